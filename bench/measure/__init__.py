"""What is read while they do: latencies, CPU and memory by process, what the shop says it answered, and the verdict."""
