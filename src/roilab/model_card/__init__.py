"""Model cards: what a network is for, what it was trained on, and how it compares with gauss."""

from roilab.model_card.card import CARD_FILE, Card, card_metadata, format_card
from roilab.model_card.earlier import EARLIER, describe_earlier, trainings_behind
from roilab.model_card.facts import TrainingFacts, network_facts, read_training_facts
from roilab.model_card.figures import copy_figures
from roilab.model_card.frames import UNKNOWN

__all__ = [
    "CARD_FILE",
    "EARLIER",
    "UNKNOWN",
    "Card",
    "TrainingFacts",
    "card_metadata",
    "copy_figures",
    "describe_earlier",
    "format_card",
    "network_facts",
    "read_training_facts",
    "trainings_behind",
]
