"""Files of a release, one module a format. Each function writes one file from a table of the release's database."""
