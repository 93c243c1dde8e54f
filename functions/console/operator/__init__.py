"""The operator's part of the console: pages for those who hold the administrator's key of the deployment."""
