#include <cmath>

#include <fmt/format.h>

#include "html.h"
#include "maps.h"
#include "page.h"
#include "provenance.h"

namespace spikelens::report {
namespace {

std::string head(const ReportMethod& method) {
    return fmt::format("<th scope=\"col\" title=\"{}\">{}{}</th>", escape(method.meaning), escape(method.name),
                       method.baseline ? "<span class=\"tag\">baseline</span>" : "");
}

std::string row(const Page& page, size_t index) {
    const ReportImage& image = page.data.images[index];
    std::string cells;
    for (size_t m = 0; m < page.data.methods.size(); ++m)
        cells += fmt::format("<td data-label=\"{}\">{}{}<span class=\"value\"></span></td>", escape(page.data.methods[m].name),
                             map_picture(page.data, index, m), colour_bar(page.data, index, m));
    return fmt::format(
        "<tr id=\"image-{0}\" data-image=\"{1}\" data-correct=\"{2}\"><th scope=\"row\"><a href=\"#image-{0}\">{3}</a>"
        "<span class=\"reading\">{4}<small>{0}{5}</small></span></th>{6}</tr>\n",
        image_name(image), index, image.is_right() ? 1 : 0,
        input_picture(image, "Test " + page.noun() + " " + image_name(image)), verdict(page, image),
        image.cloud.empty() ? "" : fmt::format(" · <a href=\"#event-{}\">events</a>", image_name(image)), cells);
}

std::string gallery(const Page& page) {
    std::string heads, rows;
    for (const ReportMethod& method : page.data.methods) heads += head(method);
    for (size_t i = 0; i < page.data.images.size(); ++i) rows += row(page, i);
    return fmt::format(
        "<div class=\"scroll tall\" tabindex=\"0\" role=\"region\" aria-label=\"Explanations\"><table "
        "class=\"gallery\"><thead><tr>"
        "<th scope=\"col\">{}</th>{}</tr></thead><tbody>\n{}</tbody></table></div>\n",
        page.shows_recordings() ? "Recording" : "Image", heads, rows);
}

/// What the number beside a class is, and what it is not.
std::string certainty_note(const Page& page) {
    const auto classes = static_cast<double>(page.results.classes.size());
    std::string text =
        page.data.counts_spikes
            ? "The percentage beside a class is the softmax of the class scores; a score is the number of spikes of "
              "the class's output neuron over the number of time steps."
            : "The percentage beside a class is the softmax of the class scores; a score is the potential of the "
              "class's readout over the number of time steps.";
    if (page.data.counts_spikes && classes > 1)
        text += fmt::format(" Scores are at most 1, so that even a class whose neuron always spikes, alone, gets {}.",
                            percent(std::exp(1.0) / (std::exp(1.0) + classes - 1)));
    return text + " It orders the classes, but it is not calibrated: 60 % does not mean right in 60 of 100 cases.";
}

/// What the values that the page reads from maps are.
std::string values_note(const Page& page) {
    return ships_exact_values(page.data)
               ? "Values are the method's own, never clipped."
               : "Values are in 256 steps between a map's extremes, since all of them would make this file too large; each is "
                 "read with half a step as its error. Never clipped.";
}

std::string meanings(const Page& page) {
    std::string items;
    for (const ReportMethod& method : page.data.methods)
        items += fmt::format("<div><dt>{}</dt><dd>{}. {}{}</dd></div>\n", escape(method.name), escape(method.title),
                             escape(method.meaning), method.baseline ? " A sanity baseline: any method should beat it." : "");
    return "<details><summary>What the maps mean</summary><dl class=\"meanings\">\n" + items + "</dl></details>\n";
}

constexpr std::string_view controls_begin = R"(<div class="controls js-only">
<fieldset><legend>)";
constexpr std::string_view controls_end =
    R"(</legend><label><input type="radio" name="shown" value="all" checked> all</label><label><input type="radio" name="shown" value="right"> read right</label><label><input type="radio" name="shown" value="wrong"> read wrong</label></fieldset>
<fieldset><legend>Colour range</legend><label><input type="radio" name="scale" value="own" checked> each map its own</label><label><input type="radio" name="scale" value="shared"> shared by a method</label></fieldset>
</div>
<div id="focus" class="js-only" hidden></div>
)";

}  // namespace

std::string images_section(Page& page) {
    const std::string title = page.shows_recordings() ? "Recordings" : "Images", noun = page.noun();
    if (page.data.images.empty() || page.data.methods.empty())
        return section("images", title, "Where the network looked, " + noun + " by " + noun + ".",
                       missing_stage("No " + noun + " has been explained for the report.", command_of(page, "report")));
    const std::string lede = "Where the network looked, method by method, on " + noun + "s nobody picked by eye. " +
                             values_note(page) + " The same pixel is read in all maps at once." +
                             (page.shows_recordings() ? " Pictures and maps are sums over time." : "");
    const std::string choice = page.data.image_choice.empty() ? "How the " + noun + "s were chosen was not recorded."
                                                              : title + ": " + page.data.image_choice + ".";
    return section("images", title, lede,
                   "<p class=\"note\">" + escape(choice) + "</p>\n<p class=\"note\">" + escape(certainty_note(page)) +
                       "</p>\n" + std::string(controls_begin) + title + std::string(controls_end) + gallery(page) +
                       meanings(page) + made_by(page, {"report"}));
}

}  // namespace spikelens::report
