"""The commands of the tool: flags in, words out."""
