"""The commands as a person types them: arguments, options and help; what they do is loaded when one is run."""
