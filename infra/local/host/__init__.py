"""The local host: does on one machine what the Functions host does in Azure."""
