"""Tax rates by country, region and class, as rows; what they come to is quoting's business."""
