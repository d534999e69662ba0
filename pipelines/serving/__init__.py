"""What the site needs to answer, without any web framework: files and their ranges, columns, exports, strangers' SQL.

The plugins in ``datasette/plugins`` put these behind addresses; everything here can be called, and tested, alone.
"""
