"""Panels that a person arranges: plots, tables and the object, linked by what is selected."""
