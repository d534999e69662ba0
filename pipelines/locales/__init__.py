"""Interface catalogues, one ``<language>/LC_MESSAGES/messages.po`` each; the sources are English."""
