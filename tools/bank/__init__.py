"""The programs that make the files of ``foolkit.bank`` anew, run from a checkout."""
