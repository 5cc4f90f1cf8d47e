"""What a project is set to, as frozen data: checked, and JSON both ways."""
