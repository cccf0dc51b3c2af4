"""A job's own directory: made, given its environment, watched while its commands run, and looked at afterwards."""
