"""Pictures of products: addresses that a CDN serves in several widths, and uploads that go past the shop."""
