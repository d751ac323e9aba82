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

std::string head(const std::string& run) {
    return fmt::format(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta http-equiv=\"Content-Security-Policy\" content=\"{}\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light "
        "dark\">\n"
        "<meta name=\"referrer\" content=\"no-referrer\">\n<meta name=\"generator\" content=\"Spikelens\">\n<title>{} · "
        "Spikelens report</title>\n<link rel=\"icon\" "
        "href=\"data:,\">\n"
        "<style>{}</style>\n<script>{}</script>\n</head>\n",
        policy(), escape(run), report_css(), report_js());
}

std::string header(const Page& page) {
    std::vector<std::pair<const char*, const char*>> sections = {{"overview", "Overview"},
                                                                 {"classes", "Classes and μ"},
                                                                 {"filters", "Filters"},
                                                                 {"images", page.shows_recordings() ? "Recordings" : "Images"}};
    if (page.has_clouds()) sections.emplace_back("events", "Events");
    sections.insert(sections.end(), {{"evidence", "Evidence"}, {"reproduce", "Reproduce"}});
    std::string links;
    for (const auto& [id, name] : sections) links += fmt::format("<a href=\"#{}\">{}</a>", id, name);
    return fmt::format(
        "<a class=\"skip\" href=\"#main\">Skip to the content</a>\n<header>\n<p class=\"run\"><b>Spikelens</b> "
        "<span>{}</span></p>\n"
        "<nav aria-label=\"Sections\">{}</nav>\n<p class=\"tools js-only\"><button type=\"button\" id=\"link\">Copy "
        "link</button>"
        "<button type=\"button\" id=\"theme\" aria-label=\"Colour theme\">Auto</button>"
        "<button type=\"button\" id=\"help-open\" aria-label=\"Help and keys\">?</button></p>\n</header>\n",
        escape(page.data.run), links);
}

constexpr std::string_view help_begin = R"(<dialog id="help" aria-labelledby="help-title"><h2 id="help-title">Keys</h2>
<dl><div><dt><kbd>j</kbd> <kbd>k</kbd></dt><dd>next, previous )";
constexpr std::string_view help_end =
    R"(</dd></div><div><dt><kbd>[</kbd> <kbd>]</kbd></dt><dd>smaller, larger budget μ</dd></div>
<div><dt><kbd>c</kbd> <kbd>C</kbd></dt><dd>next, previous class</dd></div><div><dt><kbd>s</kbd></dt><dd>colour range: own or shared</dd></div>
<div><dt><kbd>/</kbd></dt><dd>find a filter</dd></div><div><dt>arrows on a map</dt><dd>move the pixel read in all maps</dd></div>
<div><dt><kbd>?</kbd></dt><dd>this help</dd></div></dl><p>The address of the page names what you see: copy it to show somebody else the same view.</p>
<button type="button" id="help-close">Close</button></dialog>
<p id="notice" role="status" aria-live="polite"></p>
)";

}  // namespace

std::string report_html(const ReportData& data) {
    if (data.input_kind != "images" && data.input_kind != "recordings")
        throw InputError("a report shows images or recordings, not '" + data.input_kind + "'");
    Page page{data, read_results(data)};
    std::string sections = overview_section(page) + classes_section(page) + filters_section(page) + images_section(page) +
                           events_section(page) + evidence_section(page) + reproduce_section(page);
    const Bundle values = bundle(page);
    return head(data.run) + "<body>\n" + header(page) + colour_ramps() + "<main id=\"main\">\n" + sections + "</main>\n" +
           std::string(help_begin) + page.noun() + std::string(help_end) +
           "<script type=\"application/octet-stream\" id=\"values\">" + values.values + "</script>\n" +
           "<script type=\"application/octet-stream\" id=\"maps\">" + values.maps + "</script>\n</body>\n</html>\n";
}

}  // namespace spikelens
