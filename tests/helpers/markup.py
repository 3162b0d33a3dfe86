"""Text that would run in a browser if a page did not escape it."""

SCRIPT = "<script>document.title = 'changed'</script>"
