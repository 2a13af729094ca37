"""What Nacre is measured beside: lua-nginx-module with lua-resty-redis, and Flask behind gunicorn behind nginx."""
