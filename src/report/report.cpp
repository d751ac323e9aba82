#include "spikelens/report/report.h"

#include <vector>

#include <fmt/format.h>

#include "spikelens/core/error.h"

#include "assets.h"
#include "bytes.h"
#include "html.h"
#include "maps.h"
#include "page.h"

namespace spikelens {
namespace {

using namespace report;

/// Nothing may be loaded from anywhere; the only style and script are those in the file, named by their hashes.
std::string policy() {
    return fmt::format(
        "default-src 'none'; img-src data: blob:; style-src {}; script-src {}; base-uri 'none'; form-action 'none'",
        policy_hash(report_css()), policy_hash(report_js()));
}

Html meta(const char* name, const std::string& content) { return tag("meta", {{"name", name}, {"content", content}}); }

Html head(const std::string& run) {
    return tag("head", tag("meta", {{"charset", "utf-8"}}), meta("generator", "Spikelens"),
               tag("meta", {{"http-equiv", "Content-Security-Policy"}, {"content", policy()}}),
               meta("viewport", "width=device-width, initial-scale=1"), meta("color-scheme", "light dark"),
               meta("referrer", "no-referrer"), tag("title", run, " · Spikelens report"),
               tag("link", {{"rel", "icon"}, {"href", "data:,"}}), Html::embedded("style", {}, report_css()),
               Html::embedded("script", {}, report_js()));
}

Html header(const Page& page) {
    std::vector<std::pair<const char*, const char*>> sections = {
        {"overview", "Overview"},
        {"classes", "Classes and μ"},
        {"filters", "Filters"},
        {"images", page.shows_recordings() ? "Recordings" : "Images"}};
    if (page.has_clouds()) sections.emplace_back("events", "Events");
    sections.insert(sections.end(), {{"evidence", "Evidence"}, {"reproduce", "Reproduce"}});
    Html links;
    for (const auto& [id, name] : sections) links += tag("a", {{"href", std::string("#") + id}}, name);
    const Html tools = tag("button", {{"type", "button"}, {"id", "link"}}, "Copy link") +
                       tag("button", {{"type", "button"}, {"id", "theme"}, {"aria-label", "Colour theme"}}, "Auto") +
                       tag("button", {{"type", "button"}, {"id", "help-open"}, {"aria-label", "Help and keys"}}, "?");
    return tag("a.skip", {{"href", "#main"}}, "Skip to the content") +
           tag("header", tag("p.run", tag("b", "Spikelens"), " ", tag("span", page.data.run)),
               tag("nav", {{"aria-label", "Sections"}}, links), tag("p.tools.js-only", tools));
}

Html keys(std::initializer_list<const char*> names) {
    Html list;
    for (const char* name : names) list += (list.empty() ? Html() : Html(" ")) + tag("kbd", name);
    return list;
}

Html help(const Page& page) {
    const Html list = meanings("dl", {{keys({"j", "k"}), "next, previous " + page.noun()},
                                      {keys({"[", "]"}), "smaller, larger budget μ"},
                                      {keys({"c", "C"}), "next, previous class"},
                                      {keys({"s"}), "colour range: own or shared"},
                                      {keys({"/"}), "find a filter"},
                                      {"arrows on a map", "move the pixel read in all maps"},
                                      {keys({"?"}), "this help"}});
    return tag("dialog", {{"id", "help"}, {"aria-labelledby", "help-title"}}, tag("h2", {{"id", "help-title"}}, "Keys"),
               list,
               tag("p", "The address of the page names what you see: copy it to show somebody else the same view."),
               tag("button", {{"type", "button"}, {"id", "help-close"}}, "Close")) +
           tag("p", {{"id", "notice"}, {"role", "status"}, {"aria-live", "polite"}});
}

}  // namespace

std::string report_html(const ReportData& data) {
    if (data.input_kind != "images" && data.input_kind != "recordings")
        throw InputError("a report shows images or recordings, not '" + data.input_kind + "'");
    Page page{data, read_results(data)};
    Html sections;
    for (const auto part : {overview_section, classes_section, filters_section, images_section, events_section,
                            evidence_section, reproduce_section})
        sections += part(page);
    const Html body =
        header(page) + colour_ramps() + tag("main", {{"id", "main"}}, sections) + help(page) + bundle(page);
    return (Html::doctype() + tag("html", {{"lang", "en"}}, head(data.run), tag("body", body))).markup();
}

}  // namespace spikelens
