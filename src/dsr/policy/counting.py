"""Whether a text only tells how often somebody asked (CJEU C-526/24): no evidence by itself.

It does when every word of it is one with which requests are counted, in English, German or
French: a number, "many", "again and again", the request, who made it, and when. One word more,
such as "file", "threatens" or "Erpressung", and there is something to look at. So real evidence
is never taken for a count; a count in words that are not listed here may pass.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

__all__ = ["is_a_count"]

_WORD: Final = re.compile(r"\w+")

#: Parts that a German, French or English number is made of, also where they are written as one.
_NUMBER: Final = re.compile(
    r"(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|forty|fifty"
    r"|sixty|seventy|eighty|ninety|teen|fif|thir|hundreds?|thousands?|millions?|dozens?|scores?"
    r"|ein(?:s|e|en|er|em|mal)?|zwei|zwo|drei|vier|fünf|sechs|sech|sieben|sieb|acht|neun|zehn|elf"
    r"|zwölf|zwanzig|dreißig|dreissig|zig|hundert|tausend|million(?:en)?|dutzend|und"
    r"|une?|deux|trois|quatre|cinq|sept|huit|neuf|dix|onze|douze|treize|quatorze|quinze|seize"
    r"|vingts?|trente|quarante|cinquante|soixante|septante|huitante|nonante|cents?|mille"
    r"|douzaine|quinzaine|dizaine|vingtaine|trentaine|centaine|milliers?|et|\d+)+"
    r"(?:th|st|nd|rd|x|fold|mal|malig\w*|fach\w*|st?e[nrsm]?|te[nrsm]?|ième|ème|e|en|s)?"
)

_WORDS: Final = frozenset(
    """
    once twice thrice first second third fourth fifth sixth seventh eighth ninth tenth last next
    many much several numerous countless innumerable multiple various few some lots loads heaps
    plenty lot number amount couple handful too so very far more most than over about around
    almost nearly only just already even at least up total count counted all altogether every each
    again often frequently repeatedly constantly continually continuously always regularly still
    endlessly incessantly repeated repetitive recurring frequent same identical similar another
    other further new excessive excessively unfounded manifestly

    viel viele vieler vielen vielfach mehrere mehreren mehrfach mehrmals etliche zahlreiche
    zahlreichen unzählige unzähligen zahllose einige einigen wenige manche oft öfter häufig
    häufige dauernd ständig laufend immer wieder wiederholt wiederholte wiederholten erneut schon
    bereits noch nochmals abermals fortwährend andauernd regelmäßig ununterbrochen zu sehr mehr
    weit über rund etwa fast nur insgesamt mindestens anzahl dutzende dutzenden hunderte hunderten
    tausende tausenden gleiche gleichen gleicher identische identischen ähnliche ähnlichen
    dieselbe dieselben derselbe weitere weiteren neue neuen exzessiv exzessive offenkundig
    unbegründet mal male malen

    beaucoup plusieurs nombreux nombreuses nombre maint maints mainte maintes multiples innombrables
    quelques trop très tant plus moins environ presque seulement déjà encore toujours souvent
    fréquemment régulièrement continuellement constamment sans cesse arrêt répétition reprise
    reprises répétée répétées répété répétés répétitive répétitives même mêmes identique
    identiques similaire similaires autre autres nouvelle nouvelles nouveau excessif excessive
    excessives infondée infondées total totale douzaines dizaines centaines tout toutes tous

    request requests requested requesting ask asks asked asking demand demands application
    applications apply applies applied inquiry inquiries enquiry enquiries query queries question
    questions message messages mail mails email emails e letter letters call calls called contact
    contacts contacted write writes wrote written send sends sent make makes made making submit
    submits submitted filed receive received come came time times access erasure dsar dsars
    sar sars gdpr data phone telephone post fax form online portal row

    anfrage anfragen antrag anträge anträgen antragstellung ersuchen auskunft auskünfte
    auskunftsersuchen auskunftsanfragen löschung löschungen begehren bitte bitten bat gebeten
    fragt fragte fragen gefragt nachgefragt angefragt beantragt beantragte stellt stellte gestellt
    schreibt schrieb geschrieben sendet schickt schickte geschickt gesendet meldet meldete
    gemeldet ruft rief angerufen anruf anrufe brief briefe nachricht nachrichten eingegangen
    erhalten gemacht dsgvo daten telefonisch
    telefon post schriftlich formular online hintereinander nacheinander

    demande demandes demandé demandée demander requête requêtes sollicitation sollicitations
    courriel courriels courrier courriers lettre lettres appel appels écrit envoyé envoie fait
    faite faites reçu reçue reçues déposé déposées adressé adressées fois accès effacement rgpd
    données téléphone poste formulaire ligne suite

    i we he she it they you this that these those there their his her its our us me him them who
    which person customer client caller subscriber user applicant complainant sender is are was
    were be been being has have had do does did keeps kept keep goes went on and or but of in to
    for from by with within during since until before after per the a an no not as s t

    ich wir er sie es man ihr ihre ihren seine sein dies diese dieser diesem dieses der die das den
    dem des uns ihn ihm kunde kundin kunden person anrufer nutzer nutzerin betroffene betroffener
    antragsteller antragstellerin ist sind war waren hat haben hatte wurde wurden worden gibt gab
    und oder aber von vom aus bei im in an am auf seit bis vor nach innerhalb pro je mit für ein
    eine einen einer einem

    je nous il elle ils elles on cela ce cette ces cet sa ses son leur leurs notre nos le la les
    l d n s c qu j m du des de un une client cliente personne abonné abonnée demandeur appelant
    utilisateur est sont a ont été avait avaient y et ou mais par pour dans en au aux à depuis
    avant après pendant lors avec ne pas

    day days week weeks month months year years hour hours today yesterday daily weekly monthly
    yearly annually morning evening now recently lately ago january february march april may june
    july august september october november december monday tuesday wednesday thursday friday
    saturday sunday

    tag tage tagen täglich woche wochen wöchentlich monat monate monaten monatlich jahr jahre
    jahren jährlich stunde stunden heute gestern jetzt kürzlich zuletzt letzten letzte letztem
    letzter jeden jede jedes jeder januar februar märz mai juni juli oktober dezember montag
    dienstag mittwoch donnerstag freitag samstag sonntag

    jour jours semaine semaines mois an ans année années heure heures hier récemment dernier
    derniers dernière dernières chaque quotidiennement janvier février mars avril juin juillet août
    septembre octobre novembre décembre lundi mardi mercredi jeudi vendredi samedi dimanche
    aujourd hui
    """.split()  # noqa: SIM905  (a list that is read by people)
)


def is_a_count(text: str) -> bool:
    """Return whether a text holds nothing but words that count requests; also an empty one."""
    words = _WORD.findall(unicodedata.normalize("NFC", text).casefold())
    return all(each in _FOLDED or _NUMBER.fullmatch(each) for each in words)


_FOLDED: Final = frozenset(each.casefold() for each in _WORDS)
