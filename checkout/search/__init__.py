"""What shoppers find: listings with filters, orders and facets, full text, suggestions."""
