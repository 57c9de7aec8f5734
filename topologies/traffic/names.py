"""Names of people and companies that do not exist. Domains are reserved examples."""

FIRST = (
    "Ada", "Amara", "Anouk", "Arvid", "Beatriz", "Bram", "Carys", "Chidi", "Clara", "Dario", "Dilan", "Edda", "Elif",
    "Emeka", "Esme", "Farid", "Femke", "Finn", "Giulia", "Greta", "Hana", "Henrik", "Ida", "Ilya", "Ines", "Ivo", "Jana",
    "Joaquin", "Jonas", "Kaia", "Karim", "Katya", "Lale", "Lars", "Leila", "Linus", "Lotte", "Luca", "Mae", "Malik",
    "Mara", "Mateo", "Mila", "Moritz", "Nadia", "Neve", "Nils", "Noor", "Odile", "Olek", "Orla", "Paloma", "Pavel",
    "Petra", "Quentin", "Rafi", "Ravi", "Rosa", "Runa", "Saba", "Sanne", "Selma", "Sigrid", "Soren", "Tamsin", "Tariq",
    "Thea", "Tomas", "Uma", "Vera", "Viktor", "Wanda", "Wiebke", "Xenia", "Yara", "Yusuf", "Zoe", "Zofia",
)  # fmt: skip
LAST = (
    "Abara", "Almqvist", "Anderle", "Barros", "Beckmann", "Bellini", "Brandt", "Brisk", "Cardoso", "Castell", "Dalgaard",
    "Demir", "Dubrule", "Ekström", "Engelhardt", "Falk", "Faroux", "Fenwick", "Garnier", "Grabowski", "Haddad", "Halloran",
    "Hartwig", "Holm", "Iversen", "Jansky", "Kallio", "Karim", "Keller", "Kowal", "Kwame", "Lacroix", "Lindqvist",
    "Lorimer", "Madsen", "Marchetti", "Mensah", "Moreau", "Nakata", "Navarro", "Nyström", "Oduya", "Okoro", "Osei",
    "Pellegrin", "Petrova", "Pinto", "Quist", "Rask", "Ribeiro", "Rosenau", "Rutkowski", "Sandoval", "Sayed", "Schuster",
    "Seidl", "Sorel", "Steen", "Szabo", "Tanaka", "Thorsen", "Tremblay", "Ueda", "Vainio", "Valente", "Varga", "Vogt",
    "Wendt", "Wieland", "Winther", "Yilmaz", "Zanetti", "Ziegler",
)  # fmt: skip
COMPANY = (
    "Amberline", "Birkwood", "Bluefjord", "Cobaltry", "Copperleaf", "Driftwerk", "Elmstead", "Fernhall", "Foxglove",
    "Graniteworks", "Harbourlight", "Hazelbrook", "Inkwell", "Juniper & Daughters", "Kestrel", "Lanternway", "Larkspur",
    "Meridian Bikes", "Millrace", "Moorland", "Nettlefield", "Northquay", "Oakrind", "Paperboat", "Pinecrest", "Quarrytown",
    "Ravenscar", "Rookery", "Saltmarsh", "Silverbirch", "Slatehouse", "Sparrowhill", "Stonebridge", "Tallowgate",
    "Thistledown", "Umberfield", "Velvet Moss", "Wharfside", "Willowbank", "Yarrow",
)  # fmt: skip
COMPANY_FORM = ("Ltd", "GmbH", "SA", "AB", "Labs", "Studio", "Logistics", "Foods", "Media", "Energy")
OWNER = ("nina.bauer", "tom.okafor", "lucia.ferrer", "piotr.zielinski", "maeve.quinn", "samir.haddad")
"""Who looks after customers, as CRM systems spell it."""
SERVERS = ("social.example", "fedi.example", "town.example", "pixels.example")
"""Mastodon servers; the first is the one whose stream is read."""
