"""What does each job notice? Jobs run with broken artifacts and repos in their place; reports are tampered with."""
