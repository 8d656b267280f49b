//! People who have a tool's word as their first name, in sentences.

use seconder::domain::attribution::Certainty;

use super::{body, is_by};

#[test]
fn a_first_name_with_a_family_name_behind_it_is_a_persons_in_every_language() {
    for text in [
        "Claude Dupont wrote this.",
        "Gemini Ganesan implemented this.",
        "Kimi Räikkönen wrote this.",
        "Claude D. wrote this.",
        "Claude O'Neill wrote this.",
        "Thanks to Claude McDonald for writing this.",
        "I had Claude Dupont write the tests.",
        "I asked Claude Dupont to write the tests.",
        "Geschrieben von Claude Müller.",
        "Mit Claude Dupont entwickelt",
        "Écrit par Claude Lévi",
        "Écrit par Claude d'Arc",
        "Avec l'aide de Claude Dupont",
        "Scritto da Claude Rossi",
        "Escrito por Claude da Silva",
        "Napisane przez Claude Kowalski",
        "Написано Claude Иванов",
        "Geschreven door Claude de Vries",
        "Skriven av Claude Svensson",
        "Claude Dupontさんが書きました",
        "由 Claude Dupont 编写",
    ] {
        assert_eq!(body(text), None, "{text}");
    }
    for text in [
        "Claude Opus wrote this.",
        "Written By Claude On Monday.",
        "Written with help from Claude.\nMartin reviewed it.",
        "This Was Written By Claude And Reviewed By Me.",
        "Mit Hilfe von Claude Tests geschrieben.",
        "Claude wrote this. Paul reviewed it.",
        "Generated with Claude Co-Authored-By: Claude <noreply@anthropic.com>",
    ] {
        is_by(body(text), "claude-code", Certainty::Marked, text);
    }
}

#[test]
fn whoever_works_beside_somebody_or_is_from_somewhere_is_a_person() {
    for text in [
        "Claude and Paul wrote this.",
        "Geschrieben von Claude und Paul.",
        "Claude from sales wrote this.",
        "Claude from the shop wrote this.",
        "Paired with Claude from the Lyon office.",
    ] {
        assert_eq!(body(text), None, "{text}");
    }
    for (text, agent) in [
        ("Claude and I wrote this.", "claude-code"),
        ("Claude and Copilot wrote this.", "copilot"),
        ("Built with Claude and React.", "claude-code"),
        ("Written by Claude from scratch, I fixed it.", "claude-code"),
        ("Translated by Claude from German.", "claude-code"),
        ("Écrit par Claude et relu par moi.", "claude-code"),
    ] {
        is_by(body(text), agent, Certainty::Marked, text);
    }
}
