"""The console: pages for salespeople and administrators. Each page asks the API's own endpoints, in this process."""
