"""What a person fills in or signs."""
