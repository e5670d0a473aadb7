"""Where models come from. Their errors and objects stop here: frozen records and `UserError`s come out."""
