"""What a report says, independent of its format."""
