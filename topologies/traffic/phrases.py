"""What the invented people say. `{slots}` are filled in by `texts.py`; `{us}` is the brand, by name or by handle.

Angry and complaining English sentences are chosen so that the lexicon hears what a person would: a test holds them to
their moods. German and French ones have no lexicon, as in real life.
"""

SLOTS: dict[str, tuple[str, ...]] = {
    "product": (
        "object storage", "the dashboard", "the billing page", "the nightly backup", "the database cluster", "DNS",
        "single sign-on", "the mobile app", "the API", "the load balancer", "the build pipeline", "the status page",
        "snapshot restore", "the Frankfurt region", "the audit log", "the invoice export", "the alert mail",
        "the command line client", "autoscaling", "private networking", "the ticket portal", "the new editor",
    ),
    "produkt": ("das Dashboard", "der Speicher", "die Abrechnung", "das Backup", "die App", "der Login", "die API"),
    "produit": ("le tableau de bord", "le stockage", "la facture", "la sauvegarde", "la connexion", "la console"),
    "n": ("two", "three", "four", "five", "six", "a dozen"),
    "time": ("this morning", "since noon", "since last night", "for hours", "all week", "since the update", "again"),
    "hours": ("2 hours", "three hours", "half a day", "five hours", "40 minutes", "a whole night"),
    "thing": ("migration", "launch", "demo", "quarterly report", "webshop", "side project", "customer demo", "cutover"),
    "ticket": ("#48213", "#51077", "#39950", "#60418", "#57702", "#44196"),
    "joy": ("🎉", "🙌", "💚", "😊", "🚀", "👏", ""),
    "rage": ("😡", "🤬", "😤", "🤦", "", "", ""),
    "food": ("ramen", "sourdough", "pierogi", "tacos", "dal", "plum cake", "pancakes", "risotto", "falafel", "kimchi"),
    "animal": ("cat", "dog", "heron", "hedgehog", "fox", "magpie", "goat", "tortoise", "owl"),
    "place": ("Leipzig", "Porto", "Ghent", "Bergen", "Lyon", "Graz", "Cork", "Malmö", "Trieste", "Utrecht", "Brno"),
    "hobby": ("bouldering", "knitting", "chess", "birding", "sketching", "gravel biking", "pottery", "night photography"),
    "team": ("the home side", "our under-12s", "the relay team", "the visitors", "the ladies' eight"),
    "tag": ("caturday", "photography", "gardening", "cycling", "fediverse", "nowplaying", "bookstodon", "homelab"),
    "count": ("3", "7", "12", "21", "48", "99", "230"),
}  # fmt: skip

PRAISE = (
    "Just moved our {thing} to {us} and it went perfectly. Impressed! {joy}",
    "{us} support answered within minutes and fixed it. Great people. {joy}",
    "Honestly love how fast {product} has become at {us} {joy}",
    "Shout-out to {us}: {product} saved our {thing} today. Thank you! {joy}",
    "Two years with {us} and {product} is still a joy to use.",
    "The new {us} release is excellent, {product} finally feels right {joy}",
    "Happy to see {us} being honest about the outage. That's how you earn trust.",
    "Our {thing} ran smoothly on {us}, best decision of the year {joy}",
    "{us} kindly refunded the double charge before I even asked. Wow, thanks! {joy}",
    "Recommended {us} to a friend again: {product} is really good.",
)
NEUTRAL = (
    "Does anybody know whether {us} has {product} in the Nordics?",
    "Comparing {us} with what we run now. Notes on {product} to follow.",
    "How do you all back up {product} at {us}? Asking for our {thing}.",
    "Reading the {us} changelog: {product} gets quotas next month.",
    "{us} question: where do I find the settings of {product}?",
    "Is {product} at {us} the same in every region?",
    "Talk at the meetup tonight: how we moved our {thing} to {us} in {n} days.",
    "Watching the {us} stream about {product}. Slides at https://acme.example/talks",
    "Wrote down what I learned about {product} on {us}: https://blog.example/notes/{count}",
    "TIL {us} keeps snapshots for {count} days.",
)
COMPLAINT = (
    "{product} at {us} is slow {time}. Annoying.",
    "Still waiting for {us} to answer ticket {ticket}. Disappointed.",
    "{us}, {product} fails with a timeout {time}. What is wrong?",
    "The {us} update broke {product} for us. Frustrating. {rage}",
    "Third time this month that {product} is down. {us} has a problem.",
    "{us} charged us twice and the portal shows an error. Not happy.",
    "Lost {hours} to {product} today. Bad week to depend on {us}.",
    "Sad: {product} is confusing, and so are the docs of {us}.",
    "Ticket {ticket} open {time}, no response from {us}. Poor.",
    "{us} cancelled the maintenance window and then took {product} down anyway. Ugh, annoying.",
)
ANGRY = (
    "Terrible!! {us}, {product} is down {time}, support ignores us. This is a disgrace! {rage}",
    "I am furious. {us} lost {hours} of our data. Worst provider ever!!! {rage}",
    "{product} crashed AGAIN during our {thing}. Absolutely awful and embarrassing, {us}! {rage}",
    "What a disaster. {us} ruined our {thing}, support is useless and rude {rage}",
    "Horrible experience with {us}: broken {product}, angry customers, zero help!! {rage}",
    "{hours} of outage and {us} lies about it on the status page. Disgusting. {rage}",
    "We are losing money every minute because {us} failed us. Pathetic!! {rage}",
    "{us} support hung up on me. Rude, incompetent, terrible! {rage}",
    "Awful. Just awful. {product} destroyed our backups and {us} could not care less. Horrible {rage}",
    "I hate this so much: {us} broke {product} {time} and blames us! {rage}",
)
LEAVING = (
    "That was the last straw, {us}. We are cancelling our contract. Terrible service.",
    "After {hours} of downtime I am closing my account at {us}. A sad, disappointing end.",
    "Seriously looking for an alternative to {us}. {product} is broken too often and it hurts us.",
    "Never again {us}. We want a refund for this awful month.",
    "We are switching to somebody else, {us}: {n} outages in a week is a disaster.",
)
LEGAL = (
    "{us} leaked our invoices to another customer. Is that a data breach? Horrible. Our lawyer will call.",
    "Since {us} ignores ticket {ticket}, our lawyer takes over. Unacceptable.",
    "I am filing a GDPR complaint against {us}. They refuse to delete my data. Shameful.",
)
THANKS = (
    "Thank you, that solved it! Great support {joy}",
    "Works again, thanks for the quick help {joy}",
    "Perfect, appreciate it! {joy}",
    "Ok, thanks. Good to know somebody reads this.",
)
STILL_ANGRY = (
    "No. It is still broken, and your answer is useless {rage}",
    "That did not help at all. Terrible. Ticket {ticket} is still ignored!",
    "Same awful error as before. I am so tired of this {rage}",
)
COMMENT = (
    "Same here {time}.",
    "Interesting, we see that with {product} as well.",
    "Is {product} included in that?",
    "Good read, thanks for sharing {joy}",
    "We had to wait {hours} for this, glad it is here {joy}",
    "Hope {product} is next {joy}",
    "When does {place} get this?",
)
OUR_NEWS = (
    "New in {us}: {product} now tells you what it is doing, and why.",
    "We are looking into errors with {product}. Updates: https://status.acme.example",
    "Solved: {product} works again for everybody. The report follows tomorrow.",
    "Office hours this Thursday: bring your questions about {product}. https://acme.example/office-hours",
    "{us} is coming to {place}. Say hello at the meetup!",
    "Read how a team of {n} moved its {thing} to us: https://acme.example/stories",
)
OUR_ANSWER = (
    "Sorry about that! Could you send us the number of your ticket?",
    "Thanks for telling us. We are looking at {product} right now.",
    "That should not happen. A colleague is on it and will write to you within the hour.",
    "We have found it: {product} in one zone. A fix is on its way.",
    "Glad to hear it {joy}",
)
GERMAN = {
    "praise": ("Umzug zu {us} hat super geklappt, danke! {joy}", "{us}: {produkt} läuft bei uns seit Jahren stabil {joy}"),
    "neutral": ("Hat jemand Erfahrung mit {us}? Es geht um unser Projekt in {place}.", "Kann man bei {us} die Region wechseln?"),
    "complaint": ("{produkt} von {us} ist seit Stunden langsam. Nervt.", "{us}, wann beantwortet ihr Ticket {ticket}?"),
    "angry": ("{us}, das ist eine Frechheit! {produkt} ist weg und niemand hilft {rage}", "Nie wieder {us}. Alles kaputt {rage}"),
    "noise": (
        "Heute am See bei {place}, herrliches Wetter ☀️",
        "Wer hat Tipps für {place}? Wir sind am Wochenende dort.",
        "Der Zug steht mal wieder. {count} Minuten, sagt die Anzeige.",
        "Endlich Feierabend. #{tag}",
        "Müde. Kaffee. Nochmal von vorn ☕",
    ),
}  # fmt: skip
FRENCH = {
    "praise": ("Bravo {us}, {produit} est vraiment rapide maintenant {joy}", "Merci à l’équipe de {us} pour l’aide ! {joy}"),
    "neutral": ("Quelqu’un utilise {us} à {place} ?", "On compare {us} avec notre solution actuelle."),
    "complaint": ("{us}, {produit} ne marche plus depuis ce matin…", "Toujours pas de réponse de {us} au ticket {ticket}."),
    "angry": ("Scandaleux, {us} : {produit} en panne et personne ne répond {rage}", "Plus jamais {us} ! {rage}"),
    "noise": (
        "Déjà l’automne à {place} 🍂",
        "Recette du soir : {food} et un bon livre 📚 #{tag}",
        "Le métro est en panne, encore…",
        "Bonne nuit à toutes et à tous 🌙",
    ),
}  # fmt: skip
NOISE = (
    "Made {food} for the first time. {count} out of 10, would burn again.",
    "My {animal} has decided that the keyboard is a bed.",
    "Morning walk in {place}, saw a {animal}! #{tag}",
    "{team} won {count}:2, what a match {joy}",
    "New {hobby} goal for this month: {count} sessions.",
    "Anybody else awake? Asking for my {animal}.",
    "Reading in the park. {place} is lovely today. #{tag}",
    "The acme of my career so far: a {animal} liked my talk.",
    "Train to {place} delayed by {count} minutes, send {food}.",
    "Looking for people to do {hobby} with near {place}",
    "Hot take: {food} is breakfast.",
    "Rain again. The {animal} refuses to go out.",
    "Day {count} of {hobby}. My hands hate me, I love it.",
    "#{tag} the light over {place} tonight 😍",
    "Every cloud over {place} looks like a {animal} today ☁️",
    "Who decided that meetings start at {count} past?",
    "This album is terrible and I have played it {count} times.",
    "lol",
    "good morning {joy}",
    "📷 {place} #{tag}",
)
FOREIGN_NOISE = {
    "ja": ("おはようございます☀️", "今日のごはんはカレーです🍛", "眠い……", "推しが尊い😭"),
    "pt": ("Bom dia! Hoje tem feira em {place}.", "Alguém acordado? ☕", "Que jogo! {count} a 1"),
    "es": ("Hoy toca {food} 🍽️", "Qué calor hace en {place}", "Buenos días #{tag}"),
    "ko": ("오늘 날씨 좋다~", "점심 뭐 먹지"),
}
CASES = (
    "Cannot reach the database cluster", "Invoice shows the wrong address", "Backups have stopped", "Question about quotas",
    "Single sign-on does not accept our domain", "Request for a refund", "Slow dashboard", "Please change our plan",
)  # fmt: skip
