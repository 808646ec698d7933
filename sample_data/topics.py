"""The words the sample data is made of: everyday topics, each with questions, facts and things to fill in.

Plain prose on purpose: no phrase here may resemble what a language model or a chat template would leave
behind, so that whatever a rule finds in the sample data was planted by `make.py`.
"""

from __future__ import annotations

from typing import NamedTuple


class Topic(NamedTuple):
    """Questions and facts about one subject; `{word}` is filled from `words` or from `COMMON`."""

    name: str
    asks: tuple[str, ...]
    facts: tuple[str, ...]
    words: dict[str, tuple[str, ...]]


def _list(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(","))


COMMON: dict[str, tuple[str, ...]] = {
    "n": _list("two, three, four, five, six, seven, eight, nine, ten, twelve, fifteen, twenty"),
    "day": _list("Monday, Tuesday, Wednesday, Thursday, Friday, Saturday, Sunday"),
    "month": _list("January, February, March, April, May, June, July, August, September, October, November"),
    "city": _list(
        "Leeds, Porto, Graz, Tartu, Ghent, Bergen, Turin, Cork, Lyon, Utrecht, Malmö, Brno, Oulu, Seville"
    ),
    "person": _list(
        "my sister, our neighbour, my uncle, a friend, my flatmate, the owner, my daughter, a colleague"
    ),
    "much": _list("a little, far, slightly, noticeably, a good deal, somewhat"),
}

TOPICS: tuple[Topic, ...] = (
    Topic(
        "baking",
        (
            "Why does my {bake} sink in the middle when I bake it on a {day}?",
            "How long should {bake} rest before I cut it for {n} people?",
            "Can I swap the {part} in {bake} for something I can buy in {city}?",
            "What temperature suits {bake} in a small oven with a weak {element}?",
        ),
        (
            "Most {bake} fails because the {part} went in cold, so leave it out for {n} hours first.",
            "Weigh the {part} instead of using cups; a spoon too many makes the crumb {much} heavier.",
            "The middle sinks when the door is opened before the first {n} minutes are over.",
            "An oven thermometer costs little, and the dial of an old stove is often {n} degrees off.",
            "A tin lined with paper lets {bake} climb evenly and comes away without a knife.",
            "Replace half of the {part} at first and write down how the texture changed.",
            "Cooling on a rack keeps the base of {bake} from turning damp.",
            "If the {element} browns the top too soon, lay foil over it for the last {n} minutes.",
            "Bread flour drinks more water, which is why {bake} felt stiff when {person} tried it.",
        ),
        {
            "bake": _list(
                "banana bread, rye loaf, lemon cake, plum tart, ginger cake, soda bread, apple pie, brioche"
            ),
            "part": _list("butter, flour, sugar, yeast, milk, buttermilk, honey, eggs"),
            "element": _list("grill, fan, lower coil, upper coil"),
        },
    ),
    Topic(
        "gardening",
        (
            "When should I plant {plant} if the last frost comes in {month}?",
            "Something eats the leaves of my {plant} every {day} night. What could it be?",
            "How deep do {plant} want to be sown in a {bed}?",
            "Is it worth growing {plant} on a balcony in {city}?",
        ),
        (
            "Sow {plant} about {n} weeks before the ground warms and thin them when they touch.",
            "Slugs feed after dark, so go out with a lamp around {n} in the evening and look under the pots.",
            "A {bed} dries out {much} faster than open ground and needs water each morning.",
            "Feed {plant} with compost in {month}; more nitrogen only grows leaves.",
            "Wind does more harm than cold on a balcony, and a strip of mesh helps {plant} a lot.",
            "Rotate the {bed} every year so that {plant} do not meet last year's blight.",
            "Pinch out the tips once {plant} have {n} true leaves.",
            "Old seed of {plant} still sprouts, only {much} slower; test {n} of them on damp paper.",
            "Cover the soil with straw and the worms will do the digging by {month}.",
        ),
        {
            "plant": _list(
                "tomatoes, runner beans, leeks, sweet peas, courgettes, radishes, dahlias, chard, onions"
            ),
            "bed": _list("raised bed, clay pot, window box, cold frame, shallow trough"),
        },
    ),
    Topic(
        "cycling",
        (
            "My {cpart} clicks after {n} miles on the way to {city}. Where do I start?",
            "How often should I replace the {cpart} on a {bike}?",
            "Is a {bike} a sensible choice for {n} hills a week?",
            "What should I carry when I ride a {bike} alone on a {day}?",
        ),
        (
            "A click once per turn of the crank points at the {cpart}; once per wheel turn, at a spoke.",
            "Clean the {cpart} with a dry rag before you put on oil, or grit turns into paste.",
            "On a {bike} the {cpart} lasts {n} thousand miles if it is kept dry.",
            "Drop the pressure {n} pounds for wet cobbles and the ride becomes {much} calmer.",
            "Take one tube, two levers, a small pump and the number of {person}.",
            "Raise the saddle of the {bike} until the heel just reaches the pedal at its lowest point.",
            "The shop in {city} lends out a chain gauge, which settles the matter in {n} seconds.",
            "Climb seated in a low gear; standing up on a {bike} wastes breath.",
            "Check the {cpart} every {month}, because salt from the roads gets everywhere.",
        ),
        {
            "bike": _list("touring bike, steel racer, folding bike, cargo bike, gravel bike, old tandem"),
            "cpart": _list("chain, bottom bracket, front brake, cassette, headset, rear wheel, derailleur"),
        },
    ),
    Topic(
        "travel",
        (
            "How many days does {city} deserve in {month}?",
            "Which {way} would you take from {city} to the coast with {n} children?",
            "Can we see {sight} in {city} without booking?",
            "Where do locals eat near {sight} on a {day}?",
        ),
        (
            "Two nights in {city} are enough for {sight} and a slow lunch by the river.",
            "The {way} is {much} slower, yet it stops at {n} villages that the motorway misses.",
            "Queues at {sight} start at {n}, so arrive before breakfast or after four.",
            "In {month} many kitchens close on {day}, and the market hall is the safe choice.",
            "Buy a day card for the {way}; single tickets cost {n} times as much in the end.",
            "Rain is likely in {month}, which leaves {sight} almost empty.",
            "Ask at the desk for the map that {person} drew, since the printed one forgets {sight}.",
            "A room above a bakery in {city} smells good but wakes you at {n}.",
            "Luggage can stay at the station for {n} hours while you walk to {sight}.",
        ),
        {
            "way": _list("night train, slow ferry, regional bus, coastal tram, river boat, mountain railway"),
            "sight": _list(
                "the old harbour, the glass museum, the bell tower, the botanic garden, the salt cellar"
            ),
        },
    ),
    Topic(
        "money",
        (
            "How do I plan {cost} when my pay arrives on a {day}?",
            "Is it smart to put {n} percent aside for {cost}?",
            "Which {paper} do I keep after I move to {city}?",
            "What is the difference between {cost} and a sinking fund?",
        ),
        (
            "List what {cost} came to in the last {n} months and take the highest figure, not the mean.",
            "Move the sum for {cost} on the day the pay lands, before anything else is bought.",
            "Keep the {paper} for {n} years; the tax office in {city} may ask for it.",
            "A separate account for {cost} makes an overdraft {much} less likely.",
            "Round every entry up, and {month} will end with a small surplus.",
            "Interest is charged from the first day, so repay a card before you save for {cost}.",
            "Scan the {paper} once and note the page where the total stands.",
            "Compare the offer with what {person} pays, then call and ask for {n} percent off.",
            "An envelope with cash for {cost} sounds dated but stops impulse spending on a {day}.",
        ),
        {
            "cost": _list(
                "heating, car repairs, school books, the dentist, winter coats, rent, gifts, groceries"
            ),
            "paper": _list("lease, payslip, water bill, insurance letter, bank statement"),
        },
    ),
    Topic(
        "pets",
        (
            "My {animal} hides under the {spot} since {day}. Should I worry?",
            "How much should a {animal} eat at {n} years of age?",
            "Can a {animal} get used to a train ride to {city}?",
            "How do I stop a {animal} from scratching the {spot}?",
        ),
        (
            "A {animal} that eats and drinks while hiding is usually frightened rather than ill.",
            "Leave the {spot} free and put a blanket there that smells of {person}.",
            "See a vet if the {animal} has not eaten for {n} meals or breathes with an open mouth.",
            "Split the ration into {n} small meals, which is {much} easier on the stomach.",
            "Practise with the carrier near the {spot} for {n} evenings before you travel to {city}.",
            "Scratching marks territory, so offer a post next to the {spot} and praise its use.",
            "Weigh the {animal} on the first {day} of each month and keep the figures.",
            "Older animals feel the cold {much} more; a heat pad near the {spot} works wonders.",
            "The {animal} of {person} calmed down once the radio played softly in {month}.",
        ),
        {
            "animal": _list("tabby cat, spaniel, rabbit, terrier, guinea pig, greyhound, budgie, ferret"),
            "spot": _list("sofa, wardrobe, kitchen bench, bed, stairs, radiator"),
        },
    ),
    Topic(
        "spreadsheets",
        (
            "How can I count the {cell} that differ between {n} sheets?",
            "Why does my {formula} return zero for {cell} typed on a {day}?",
            "What is the quickest way to sort {cell} by month, with {month} first?",
            "How do I share a sheet of {cell} with {person} without letting them edit it?",
        ),
        (
            "Numbers stored as text look right, but a {formula} treats {cell} like words.",
            "Put the {formula} in a helper column and hide it; {cell} then sort as you expect.",
            "Name the range of {cell} once, which makes every later {formula} {much} easier to read.",
            "A trailing space explains {n} out of ten mismatches between {cell}.",
            "Freeze the first row before you scroll, or the header of the {cell} is lost.",
            "Sort by the month number, because {month} comes before {day} in the alphabet only by luck.",
            "Protect the sheet and leave {n} columns open so that {person} can add notes.",
            "Copy the {cell} to a blank file first; undo does not reach across files.",
            "Colour only what breaks the {formula}, since more than {n} colours say nothing.",
        ),
        {
            "cell": _list(
                "invoices, order dates, part numbers, postcodes, opening hours, grades, stock levels"
            ),
            "formula": _list("lookup, running total, pivot table, conditional sum, date difference"),
        },
    ),
    Topic(
        "music",
        (
            "How do I practise {piece} on the {inst} with only {n} minutes a day?",
            "Is a used {inst} from {city} worth repairing?",
            "What should {person} listen for in {piece}?",
            "Why does my {inst} sound dull in {month}?",
        ),
        (
            "Play {piece} at half speed with a metronome and stop after the first slip.",
            "Old strings make an {inst} dull; change them every {n} months.",
            "Dry air in {month} shrinks the wood, and a damp sponge in the case of the {inst} helps.",
            "Learn the last {n} bars of {piece} first, so that you always play towards what you know.",
            "A crack in the top of the {inst} costs {much} more to fix than it seems.",
            "Sing the line of {piece} before you touch the {inst}.",
            "Record yourself on a {day} and listen {n} days later with a pencil in hand.",
            "The second voice of {piece} carries the tune for {n} bars, which most listeners miss.",
            "A teacher in {city} lends an {inst} for a month before asking for money.",
        ),
        {
            "piece": _list(
                "the minuet, an old waltz, the slow movement, a folk reel, the prelude, that march, a lullaby"
            ),
            "inst": _list("upright piano, old cello, accordion, oboe, alto viola, acoustic guitar"),
        },
    ),
)

SYSTEMS = (
    "Answer briefly and name the season where it matters.",
    "You write for people who have never done this before.",
    "Keep every reply under one hundred words.",
    "Use metric units.",
    "The reader is in a hurry.",
)

FOLLOW_UPS = (
    "And if I only have {n} minutes on a {day}?",
    "Would that still hold in {month} in {city}?",
    "What would {person} need to buy for it?",
    "How would I notice after {n} days that it went wrong?",
    "Could {person} do it alone in {month}?",
    "Does it matter that I have tried {n} times since {day}?",
)

TASKS: tuple[tuple[str, str], ...] = (
    ("Shorten this note about {topic} to one sentence for {person}.", "note"),
    ("Write a tip on {topic} that fits on a card for {n} guests.", ""),
    ("Explain to {person} in plain words what this remark about {topic} means.", "note"),
    ("List what to check in {month} when it comes to {topic}.", ""),
    ("Turn the remark on {topic} into advice for a reader in {city}.", "note"),
    ("Describe a common mistake in {topic} made on a {day} in {month}.", ""),
)

TICKETS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "delivery": (
        (
            "The {item} ordered on {day} has not reached {city}.",
            "Tracking for the {item} stopped in {city} {n} days ago.",
            "Could the {item} be left with {person} on {day}?",
            "I will be in {city} until {month}, please hold the {item}.",
            "The courier brought {n} boxes, but the {item} was not among them.",
            "Is there a pick-up point for the {item} near {city}?",
        ),
        (
            "{person_cap} waited {n} hours for the van.",
            "We need it before the end of {month}.",
            "The note on the door mentioned {day} only.",
            "A {colour} van passed {n} times without stopping.",
            "The street is closed until {day} because of works.",
            "Please ring twice, the bell at number {n} is faint.",
            "Last {month} the same thing happened in {city}.",
        ),
    ),
    "billing": (
        (
            "I was charged for {n} pieces of the {item} instead of one.",
            "The invoice for the {colour} {item} shows the wrong month.",
            "My refund for the {item} returned in {month} is missing.",
            "Why does the total for the {item} include {n} fees?",
        ),
        (
            "The bank in {city} confirms the payment from {day}.",
            "{person_cap} paid half of it in {month}.",
            "I have the receipt from {day} in front of me.",
            "The discount of {n} percent was never applied.",
        ),
    ),
    "cancellation": (
        (
            "Please cancel the {item} I ordered in {month}.",
            "I no longer want the {colour} {item} after {n} delays.",
            "Take me off the monthly {item} plan from {day} on.",
        ),
        (
            "{person_cap} bought one in {city} already.",
            "We move to {city} in {month}.",
            "It would arrive {n} weeks too late.",
        ),
    ),
    "fraud": (
        (
            "Someone used my account to buy a {colour} {item} in {city}.",
            "A stranger on the phone asked for the code for my {item} order.",
        ),
        ("I noticed it on {day} in {month}.", "{person_cap} got the same call {n} days ago."),
    ),
}

TICKET_WORDS: dict[str, tuple[str, ...]] = {
    "item": _list(
        "desk lamp, kettle, wool rug, bookcase, rain coat, toaster, garden chair, mirror, tent, "
        "stool, fan heater, "
        "bread bin, door mat, radio, picture frame, blanket, wall clock, suitcase, frying pan"
    ),
    "colour": _list("green, white, grey, red, blue, yellow, brown, black"),
    "person_cap": _list(
        "My sister, Our neighbour, My uncle, A friend, My flatmate, The caretaker, My daughter"
    ),
}
