#include <cmath>

#include <fmt/format.h>

#include "maps.h"
#include "numbers.h"
#include "page.h"
#include "provenance.h"

namespace spikelens::report {
namespace {

Html head(const ReportMethod& method) {
    return tag("th", {{"scope", "col"}, {"title", method.meaning}}, method.name,
               method.sanity_baseline ? tag("span.tag", "baseline") : Html());
}

Html row(const Page& page, size_t index) {
    const ReportImage& image = page.data.images[index];
    const std::string name = image_name(image);
    Html cells;
    for (size_t m = 0; m < page.data.methods.size(); ++m)
        cells += tag("td", {{"data-label", page.data.methods[m].name}}, map_picture(page.data, index, m),
                     colour_bar(page.data, index, m), tag("span.value"));
    const Html events = image.cloud.empty() ? Html() : " · " + tag("a", {{"href", "#event-" + name}}, "events");
    return tag("tr", {{"id", "image-" + name}, {"data-image", index}, {"data-correct", image.is_right() ? 1 : 0}},
               tag("th", {{"scope", "row"}},
                   tag("a", {{"href", "#image-" + name}}, input_picture(image, "Test " + page.noun() + " " + name)),
                   tag("span.reading", verdict(page, image), tag("small", name, events))),
               cells);
}

Html gallery(const Page& page) {
    Html heads = column(page.shows_recordings() ? "Recording" : "Image"), rows;
    for (const ReportMethod& method : page.data.methods) heads += head(method);
    for (size_t i = 0; i < page.data.images.size(); ++i) rows += row(page, i);
    return scrolled("Explanations", tag("table.gallery", tag("thead", tag("tr", heads)), tag("tbody", rows)),
                    "div.scroll.tall");
}

/// What the number beside a class is, and what it is not.
std::string certainty_note(const Page& page) {
    const auto classes = static_cast<double>(page.results.classes.size());
    std::string text = page.data.counts_spikes
                           ? "The percentage beside a class is the softmax of the class scores; a score is the number "
                             "of spikes of the class's output neuron over the number of time steps."
                           : "The percentage beside a class is the softmax of the class scores; a score is the "
                             "potential of the class's readout over the number of time steps.";
    if (page.data.counts_spikes && classes > 1)
        text += fmt::format(" Scores are at most 1, so that even a class whose neuron always spikes, alone, gets {}.",
                            percent(std::exp(1.0) / (std::exp(1.0) + classes - 1)));
    return text + " It orders the classes, but it is not calibrated: 60 % does not mean right in 60 of 100 cases.";
}

/// What the values that the page reads from maps are.
std::string values_note(const Page& page) {
    return ships_exact_values(page.data)
               ? "Values are the method's own, never clipped."
               : "Values are in 256 steps between a map's extremes, since all of them would make this file too large; "
                 "each is read with half a step as its error. Never clipped.";
}

Html what_maps_mean(const Page& page) {
    std::vector<std::pair<Html, Html>> entries;
    for (const ReportMethod& method : page.data.methods)
        entries.emplace_back(method.name,
                             method.title + ". " + method.meaning +
                                 (method.sanity_baseline ? " A sanity baseline: any method should beat it." : ""));
    return tag("details", tag("summary", "What the maps mean"), meanings("dl.meanings", entries));
}

/// One choice among several; the first is the usual one.
Html choice(const std::string& title, const char* name,
            std::initializer_list<std::pair<const char*, const char*>> values) {
    Html options;
    for (const auto& [value, words] : values)
        options += tag(
            "label", tag("input", {{"type", "radio"}, {"name", name}, {"value", value}, {"checked", options.empty()}}),
            " ", words);
    return tag("fieldset", tag("legend", title), options);
}

Html controls(const std::string& title) {
    return tag("div.controls.js-only",
               choice(title, "shown", {{"all", "all"}, {"right", "read right"}, {"wrong", "read wrong"}}),
               choice("Colour range", "scale", {{"own", "each map its own"}, {"shared", "shared by a method"}})) +
           tag("div.js-only", {{"id", "focus"}, {"hidden", true}});
}

}  // namespace

Html images_section(Page& page) {
    const std::string title = page.shows_recordings() ? "Recordings" : "Images", noun = page.noun();
    if (page.data.images.empty() || page.data.methods.empty())
        return section("images", title, "Where the network looked, " + noun + " by " + noun + ".",
                       missing_stage("No " + noun + " has been explained for the report.", command_of(page, "report")));
    const std::string lede = "Where the network looked, method by method, on " + noun + "s nobody picked by eye. " +
                             values_note(page) + " The same pixel is read in all maps at once." +
                             (page.shows_recordings() ? " Pictures and maps are sums over time." : "");
    const std::string chosen = page.data.image_choice.empty() ? "How the " + noun + "s were chosen was not recorded."
                                                              : title + ": " + page.data.image_choice + ".";
    return section("images", title, lede,
                   tag("p.note", chosen) + tag("p.note", certainty_note(page)) + controls(title) + gallery(page) +
                       what_maps_mean(page) + made_by(page, {"report"}));
}

}  // namespace spikelens::report
