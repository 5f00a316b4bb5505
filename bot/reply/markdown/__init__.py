"""The structure of Markdown, as far as pages need it: blocks, inline runs, nested code blocks, web addresses."""
