"""What sends requests: wrk, the project's own generator, Locust's shoppers; and the baskets that they buy."""
