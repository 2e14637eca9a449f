"""`python -m checkout.reference` writes the generated documents; `make docs` calls it."""

from checkout.reference.write import write_all

if __name__ == "__main__":
    for name in write_all():
        print(name)
