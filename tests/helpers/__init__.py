"""What tests share: data that is quick to make, the command as a function, and waiting."""

import pytest

pytest.register_assert_rewrite("helpers.command", "helpers.patience")
