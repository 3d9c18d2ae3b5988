"""The commands about language: ``text``, ``tag``, ``lm``, ``vectors`` and ``generate``."""
