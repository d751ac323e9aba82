#include <fmt/format.h>

#include "page.h"
#include "provenance.h"

namespace spikelens::report {
namespace {

using Json = nlohmann::json;

std::string value_text(const Json& value) {
    if (value.is_string()) return value.get<std::string>();
    if (value.is_null()) return "—";
    return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

bool is_short_list(const Json& value) {
    if (!value.is_array()) return false;
    for (const Json& element : value)
        if (element.is_structured()) return false;
    return true;
}

/// One row per leaf, named by its path: "options · epochs".
void flatten(const Json& value, const std::string& name, Html& rows) {
    if (value.is_object() && !value.empty()) {
        for (const auto& [key, inner] : value.items())
            flatten(inner, name.empty() ? key : fmt::format("{} · {}", name, key), rows);
        return;
    }
    if (value.is_array() && !is_short_list(value)) {
        for (size_t i = 0; i < value.size(); ++i) flatten(value[i], fmt::format("{} · {}", name, i), rows);
        return;
    }
    rows += tag("tr", tag("th", {{"scope", "row"}}, name), tag("td", value_text(value)));
}

Html unrecorded_note(const Page& page) {
    std::string stages;
    for (const std::string& stage : unrecorded_stages(page)) stages += (stages.empty() ? "" : ", ") + stage;
    if (stages.empty()) return {};
    return tag("p.banner", "The options of ", stages,
               " were not recorded by this run, which an older version made. No command is printed for them: one with "
               "other options would give other numbers.");
}

Html commands(const Page& page) {
    std::string lines;
    for (const std::string& line : all_commands(page)) lines += line + "\n";
    return tag("h3", "Commands") +
           tag("p.note",
               "Every option as it was given, quoted for a shell. Paths are relative to the folder in which they were "
               "run; data sets are told apart by the checksums in the manifest.") +
           (lines.empty() ? tag("p.empty", "No command was recorded.") : tag("pre", tag("code", lines))) +
           unrecorded_note(page);
}

Html manifest(const Page& page) {
    if (!page.data.manifest.is_object())
        return missing_stage("This run has no manifest: seed, versions and checksums are unknown.",
                             shell({"spikelens", "train", "--out", page.data.run}));
    Json facts = page.data.manifest;  // the commands stand above
    for (const char* key : {"command", "stages"}) facts.erase(key);
    Html rows;
    flatten(facts, "", rows);
    return tag("h3", "Manifest") + scrolled("Manifest", tag("table.manifest", tag("tbody", rows)));
}

Html downloads() {
    Html buttons;
    for (const std::string name : {"manifest", "train", "interpret", "evaluate"})
        buttons += tag("button", {{"type", "button"}, {"data-document", name}}, name + ".json") + " ";
    return tag("h3", "Results as data") + tag("p.save.js-only", buttons) +
           tag("p.note",
               "The same documents lie in the run directory. Every figure above saves as SVG, and its numbers as CSV.");
}

Html limits(const Page& page) {
    const bool recordings = page.shows_recordings();
    const Html items[] = {
        "Intervals are over test " + page.noun() +
            "s (and random draws) of one trained network. They say nothing about training again with another seed.",
        "A relevant filter is one whose response helps to " + tag("em", "predict") +
            " the network's decision linearly. That is association; the ablation is the intervention.",
        recordings ? "Taking spikes away leaves recordings that no camera makes. A method may do well on them for that "
                     "reason alone; that is why sanity baselines stand in every table."
                   : "Insertion and deletion reward whatever restores the prediction fastest. On dark backgrounds the "
                     "brightness of the image alone does well; that is why it stands in every table.",
        "At large μ the budget goes to nearly dead filters, and the gap between relevant and random filters closes.",
        std::string(recordings ? "A map says where and when, never why." : "A map says where, never why.") +
            " Two methods that disagree may both be right about different questions."};
    Html list;
    for (const Html& item : items) list += tag("li", item);
    return tag("h3", "Limits") + tag("ul.prose", list);
}

Html glossary() {
    static const std::vector<std::pair<Html, Html>> words = {
        {"μ, budget",
         "Upper bound on the sum of absolute weights a class may give to filters. Small budgets select few filters."},
        {"breakpoint",
         "A budget at which a filter enters or leaves. Between breakpoints the weights change linearly in μ."},
        {"KKT residual, duality gap",
         "Two independent measures of how far a solution is from optimal; zero at the optimum."},
        {"response", "A filter's share of its layer's spiking energy, averaged over time."},
        {"average visualisation", "Mean of the patches of the input around the strongest activation of a filter."},
        {"spread",
         "Standard deviation of a pixel over those patches, averaged over pixels. Large: the mean hides variety."},
        {"insertion, deletion",
         "Area under the probability of the prediction while the highest-ranked pixels are inserted into a baseline, "
         "or removed."},
        {"spike insertion, spike deletion",
         "The same with single spikes: inserted into silence, or removed until none is left."},
        {"paired difference", "Mean over samples of the difference between two methods on the same sample."},
        {"sanity baseline",
         "A map made without looking into the network: random, the input's own intensity, its edges."}};
    return tag("details", tag("summary", "Glossary"), meanings("dl.meanings", words));
}

}  // namespace

Html reproduce_section(Page& page) {
    return section("reproduce", "Reproduce",
                   "These commands give the same numbers again, on any number of threads. Training, methods that add "
                   "noise and sigmoid surrogates may differ in their last digits on another kind of processor.",
                   commands(page) + manifest(page) + downloads() + limits(page) + glossary());
}

}  // namespace spikelens::report
