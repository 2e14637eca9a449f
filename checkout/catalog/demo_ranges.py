"""What the demo shop sells: a tree of categories, ranges of goods with their designs, and three articles that stay put.

All of it was made up for this project. A range is multiplied out by demo.py: one product a design, one variant a choice.
"""

# ruff: noqa: E501  # a table reads best with its rows as they are

from msgspec import Struct

SIZES = ("XS", "S", "M", "L", "XL")
SHOE_SIZES = ("38", "40", "42", "44")

CATEGORIES: tuple[tuple[str, str, str | None], ...] = (
    ("clothing", "Clothing", None),
    ("tees", "T-shirts", "clothing"),
    ("shirts", "Shirts", "clothing"),
    ("knitwear", "Knitwear", "clothing"),
    ("outerwear", "Jackets and coats", "clothing"),
    ("socks", "Socks", "clothing"),
    ("home", "Home", None),
    ("kitchen", "Kitchen", "home"),
    ("mugs", "Mugs and cups", "kitchen"),
    ("cookware", "Cookware", "kitchen"),
    ("textiles", "Textiles", "home"),
    ("lighting", "Lighting", "home"),
    ("planters", "Planters", "home"),
    ("paper", "Paper and art", None),
    ("notebooks", "Notebooks", "paper"),
    ("pens", "Pens", "paper"),
    ("posters", "Posters", "paper"),
    ("outdoors", "Outdoors", None),
    ("bags", "Bags", "outdoors"),
    ("bottles", "Bottles", "outdoors"),
    ("camping", "Camping", "outdoors"),
    ("shoes", "Shoes", "outdoors"),
    ("play", "Play", None),
    ("puzzles", "Puzzles", "play"),
    ("board-games", "Board games", "play"),
    ("desk", "Desk", None),
    ("desk-accessories", "Desk accessories", "desk"),
    ("headphones", "Headphones", "desk"),
    ("gifts", "Gift boxes", None),
)


class Range(Struct, frozen=True):
    """Goods that differ by design. Shape: `choices` of option `option` become variants; prices in euro cents, from and to."""

    code: str
    category: str
    noun: str
    vendor: str
    text: str
    designs: tuple[str, ...]
    materials: tuple[str, ...]
    euro_cents: tuple[int, int]
    weight_g: tuple[int, int]
    option: str = ""
    choices: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    tax_class: str = "standard"


RANGES: tuple[Range, ...] = (
    Range("TEE", "tees", "T-shirt", "Nordhafen", "A tee of {material} with a straight cut that keeps its shape in the wash.",
          ("Chalk", "Harbour", "Moss", "Brick", "Lagoon", "Ochre", "Slate", "Plum", "Sand"),
          ("organic cotton", "heavy cotton", "linen blend"), (1990, 3490), (160, 240), "size", SIZES, ("basics",)),
    Range("SHIRT", "shirts", "Shirt", "Nordhafen", "A button-down shirt of {material}, good for the office and for the evening after.",
          ("Oxford", "Fjord", "Checked", "Pinstripe", "Mandarin", "Flannel", "Chambray", "Poplin"),
          ("cotton poplin", "brushed cotton", "linen"), (4900, 8900), (250, 380), "size", SIZES, ("office",)),
    Range("KNIT", "knitwear", "Jumper", "Wollwerk", "Knitted from {material} in one piece, so no seam rubs.",
          ("Cable", "Fisherman", "Roll-neck", "Raglan", "Ribbed", "Half-zip", "Fair Isle", "Waffle"),
          ("merino wool", "lambswool", "recycled wool"), (6900, 14900), (380, 640), "size", SIZES, ("winter",)),
    Range("JACKET", "outerwear", "Jacket", "Wetterfest", "Keeps wind and rain out; {material} outside, soft inside, pockets where hands look for them.",
          ("Pier", "Ridge", "Commuter", "Drizzle", "Summit", "Field", "Quilted", "Parka"),
          ("waxed cotton", "recycled nylon", "softshell"), (9900, 24900), (600, 1300), "size", SIZES, ("winter", "rain")),
    Range("SOCK", "socks", "Socks", "Wollwerk", "A pair of socks of {material} with a heel that stays where it belongs.",
          ("Striped", "Dotted", "Hiking", "Running", "Argyle", "Plain", "Fisherman's", "Holiday"),
          ("merino wool", "combed cotton", "bamboo viscose"), (790, 1990), (50, 110), "size", ("36-39", "40-43", "44-47"), ("basics", "gift")),
    Range("MUG", "mugs", "Mug", "Tonwerk", "Thrown from {material}, glazed inside and out; takes the dishwasher and the microwave.",
          ("Speckled", "Espresso", "Cloud", "Half-and-half", "Camper", "Thumbprint", "Teahouse", "Double-walled"),
          ("stoneware", "porcelain", "enamel"), (890, 2490), (180, 420), "colour", ("white", "blue", "sage"), ("gift",)),
    Range("POT", "cookware", "Pot", "Glut & Kelle", "A pot of {material} for the stove and the oven, with a lid that closes.",
          ("Stock", "Sauce", "Soup", "Braising", "Milk", "Roasting", "Pasta", "Casserole"),
          ("cast iron", "stainless steel", "enamelled steel"), (2900, 15900), (900, 4800), "litres", ("2", "3", "5"), ("cooking",)),
    Range("PAN", "cookware", "Pan", "Glut & Kelle", "A pan of {material} that gets hot evenly and lets go of the egg.",
          ("Frying", "Crêpe", "Grill", "Sauté", "Wok", "Omelette", "Fish"),
          ("cast iron", "carbon steel", "aluminium"), (2400, 9900), (700, 2600), "cm", ("20", "24", "28"), ("cooking",)),
    Range("THROW", "textiles", "Throw", "Wollwerk", "A throw woven of {material}, large enough for two on one sofa.",
          ("Herringbone", "Tartan", "Bouclé", "Fringe", "Basket", "Stripe", "Honeycomb", "Ombre"),
          ("lambswool", "cotton", "alpaca blend"), (3900, 12900), (600, 1400), "colour", ("natural", "grey", "rust"), ("winter", "gift")),
    Range("CUSHION", "textiles", "Cushion", "Wollwerk", "A cushion covered in {material}; the cover comes off for the wash.",
          ("Corduroy", "Velvet", "Canvas", "Stitched", "Tufted", "Striped", "Linen", "Checked"),
          ("cotton", "linen", "velvet"), (1900, 5900), (400, 800), "cm", ("40", "50"), ("living-room",)),
    Range("LAMP", "lighting", "Lamp", "Lichtblick", "A lamp of {material} with a warm light and a cord long enough to reach the socket.",
          ("Desk", "Bedside", "Clamp", "Globe", "Arc", "Pendant", "Reading", "Lantern"),
          ("brass", "powder-coated steel", "oak and paper"), (3900, 18900), (700, 3800), "finish", ("black", "brass"), ("living-room",)),
    Range("PLANTER", "planters", "Planter", "Tonwerk", "A planter of {material} with a saucer, so that the window sill stays dry.",
          ("Cylinder", "Bowl", "Hanging", "Footed", "Ribbed", "Trough", "Mini", "Terrace"),
          ("terracotta", "glazed clay", "fibre stone"), (1200, 6900), (500, 3600), "cm", ("12", "18", "24"), ("plants",)),
    Range("NOTEBOOK", "notebooks", "Notebook", "Blattwerk", "192 pages of {material} that open flat and take ink without showing it on the back.",
          ("Dotted", "Lined", "Squared", "Sketch", "Pocket", "Weekly", "Travel", "Ledger", "Music"),
          ("ivory paper", "recycled paper", "stone paper"), (690, 2490), (140, 460), "size", ("A6", "A5", "B5"), ("office", "school")),
    Range("PEN", "pens", "Pen", "Blattwerk", "A pen of {material} that starts at the first stroke and lies well in the hand.",
          ("Fountain", "Gel", "Brush", "Technical", "Ball", "Fineliner", "Calligraphy", "Roller"),
          ("brass", "aluminium", "beech"), (390, 7900), (12, 40), "nib", ("fine", "medium"), ("office", "gift")),
    Range("POSTER", "posters", "Poster", "Studio Kante", "Printed on {material} in small runs, sent rolled in a tube that survives the post.",
          ("Lighthouse", "Night Train", "Mountain Hut", "Tidal", "Orchard", "Observatory", "Kelp", "Old Harbour", "Constellations"),
          ("matt 200 g paper", "cotton paper"), (1490, 4900), (120, 260), "format", ("A3", "A2", "50x70"), ("art", "gift")),
    Range("BAG", "bags", "Bag", "Wetterfest", "A bag of {material} with one strap that holds and one pocket that closes.",
          ("Tote", "Messenger", "Roll-top", "Weekender", "Sling", "Market", "Laptop", "Duffel"),
          ("waxed canvas", "recycled nylon", "cotton canvas"), (1900, 15900), (250, 1200), "colour", ("black", "olive", "navy"), ("travel",)),
    Range("BOTTLE", "bottles", "Bottle", "Quellwerk", "A bottle of {material}: cold for a day, hot for a night, tight always.",
          ("Trail", "City", "Sport", "Kids", "Slim", "Growler", "Coffee", "Filter"),
          ("stainless steel", "glass and cork", "tritan"), (1490, 4490), (180, 480), "ml", ("350", "500", "750"), ("travel",)),
    Range("CAMP", "camping", "Kit", "Wetterfest", "Everything for one night out, packed in {material} and lighter than it looks.",
          ("Cooking", "Hammock", "Fire", "Cutlery", "Lantern", "First Aid", "Repair", "Sleeping"),
          ("ripstop nylon", "aluminium", "waxed canvas"), (1900, 17900), (250, 2400), "", (), ("travel", "summer")),
    Range("SHOE", "shoes", "Shoes", "Wetterfest", "A pair of shoes of {material} with soles that can be replaced.",
          ("Trail", "Approach", "Camp", "Chelsea", "Canvas", "Winter", "Deck", "Commuter"),
          ("full-grain leather", "recycled mesh", "suede"), (5900, 18900), (600, 1300), "size", SHOE_SIZES, ("travel",)),
    Range("PUZZLE", "puzzles", "Puzzle", "Spieltrieb", "A puzzle of {material} with pieces that stay together when the table is needed.",
          ("Old Town", "Tide Pool", "Bakery", "Star Map", "Allotment", "Railway", "Beetles", "Bookshop"),
          ("grey board", "birch plywood"), (1290, 4990), (400, 1100), "pieces", ("500", "1000"), ("family", "gift")),
    Range("GAME", "board-games", "Board game", "Spieltrieb", "For two to five players and one evening; the rules fit on one page, the pieces are of {material}.",
          ("Lock Keepers", "Salt Road", "Night Market", "Cartographers' Dinner", "Beacon", "Twelve Ferries", "Moth & Lamp", "Peat"),
          ("beech", "pressed board"), (1900, 5900), (700, 1900), "language", ("en", "de"), ("family", "gift")),
    Range("STAND", "desk-accessories", "Stand", "Werkbank", "A stand of {material} that brings the thing on it to the height where it belongs.",
          ("Laptop", "Phone", "Monitor", "Tablet", "Book", "Headphone", "Plant"),
          ("walnut", "oak", "folded steel"), (1900, 9900), (200, 2200), "finish", ("natural", "black"), ("office",)),
    Range("PHONES", "headphones", "Headphones", "Klangfarbe", "Headphones with a frame of {material}, a cable that unplugs and cushions that can be bought again.",
          ("Studio", "Travel", "Open", "Sport", "Monitor", "Kids", "Night"),
          ("aluminium", "recycled plastic"), (3900, 24900), (160, 380), "colour", ("black", "white"), ("office", "travel")),
    Range("APRON", "kitchen", "Apron", "Glut & Kelle", "An apron of {material} with a pocket for the spoon and a loop for the towel.",
          ("Bistro", "Baker's", "Smith's", "Denim", "Children's", "Striped", "Wrap"),
          ("cotton twill", "washed linen", "denim"), (1900, 5900), (220, 520), "colour", ("black", "sand"), ("cooking", "gift")),
    Range("CANDLE", "lighting", "Candle", "Lichtblick", "A candle of {material} that burns down evenly and smells of what its name says.",
          ("Cedar", "Fig", "Sea Salt", "Hay", "Black Tea", "Clove", "Unscented", "Pine"),
          ("rapeseed wax", "beeswax", "soy wax"), (990, 3490), (220, 640), "hours", ("20", "40"), ("gift", "winter")),
    Range("BOX", "gifts", "Gift box", "Checkout & Daughters", "A box of {material} with five things chosen to be opened one after the other.",
          ("Breakfast", "Rainy Day", "Writer's", "Gardener's", "Housewarming", "Picnic", "Sauna", "Thank-you"),
          ("kraft board", "tin"), (2900, 8900), (700, 2200), "", (), ("gift",)),
)  # fmt: skip
