"""Yishe 医社联动: promises made to residents, kept and proved."""

__version__ = "0.1.0"
