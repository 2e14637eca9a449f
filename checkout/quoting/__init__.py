"""What a set of lines costs: a pure function of offers, rules and a destination."""
