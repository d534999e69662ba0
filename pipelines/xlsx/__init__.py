"""Cells of XLSX sheets, value for value as openpyxl reads them, at several times its speed. Imports nothing but openpyxl."""
