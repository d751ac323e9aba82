#include "provenance.h"

#include <algorithm>

#include <fmt/format.h>

namespace spikelens::report {
namespace {

using Json = nlohmann::json;

const char* const kOrderOfStages[] = {"train", "import", "interpret", "filters", "explain", "evaluate", "report"};

bool is_safe(unsigned char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           std::string_view("_-./,:=+@%").find(static_cast<char>(c)) != std::string_view::npos;
}

bool is_control(unsigned char c) { return c < 0x20 || c == 0x7f; }

/// $'…': every byte beyond printable ASCII in octal, which ends after three digits.
std::string with_escapes(const std::string& word) {
    std::string quoted = "$'";
    for (const char c : word) {
        const auto byte = static_cast<unsigned char>(c);
        if (is_control(byte) || byte >= 0x80)
            quoted += fmt::format("\\{:03o}", byte);
        else if (c == '\'' || c == '\\')
            quoted += std::string("\\") + c;
        else
            quoted += c;
    }
    return quoted + "'";
}

bool is_utf8(const std::string& word) {
    return Json(word).dump(-1, ' ', false, Json::error_handler_t::ignore) ==
           Json(word).dump(-1, ' ', false, Json::error_handler_t::replace);
}

/// Bidi controls and separators of lines would be changed or hidden between the page and the shell.
bool has_hidden_characters(const std::string& word) {
    return word.find("\xE2\x80") != std::string::npos || word.find("\xE2\x81") != std::string::npos ||
           word.find("\xC2\x85") != std::string::npos || word.find("\xC2\xA0") != std::string::npos;
}

std::string quoted(const std::string& word) {
    if (!word.empty() && word[0] != '~' && word[0] != '=' && std::all_of(word.begin(), word.end(), is_safe))
        return word;
    if (std::any_of(word.begin(), word.end(), is_control) || has_hidden_characters(word) || !is_utf8(word))
        return with_escapes(word);
    std::string single = "'";
    for (const char c : word) single += c == '\'' ? "'\\''" : std::string(1, c);
    return single + "'";
}

/// A recorded argv, with or without the program's name in front; empty when it is none.
std::vector<std::string> words_of(const Json& command) {
    std::vector<std::string> words;
    if (!command.is_array() || command.empty()) return {};
    for (const Json& word : command) {
        if (!word.is_string()) return {};
        words.push_back(word.get<std::string>());
    }
    const std::string& first = words[0];
    const bool named = first.substr(first.find_last_of('/') + 1) == "spikelens";
    if (named)
        words[0] = "spikelens";
    else
        words.insert(words.begin(), "spikelens");
    return words;
}

void add_entry(const Json& entry, std::vector<std::string>& lines) {
    if (!entry.is_object() || !entry.contains("command")) return;
    const std::vector<std::string> words = words_of(entry["command"]);
    if (!words.empty() && std::find(lines.begin(), lines.end(), shell(words)) == lines.end())
        lines.push_back(shell(words));
}

/// Whether the command that the manifest itself names, as older runs do, is this stage's.
bool is_command_of(const Json& command, const std::string& stage) {
    return command.is_array() && std::find(command.begin(), command.end(), Json(stage)) != command.end();
}

bool shown(const Page& page, const std::string& stage) {
    const bool imported = page.data.results.import.has_value();
    if (stage == "train" || stage == "import") return page.results.train && imported == (stage == "import");
    if (stage == "interpret") return page.results.interpret.has_value();
    if (stage == "filters") return page.data.results.filters.has_value();
    return stage == "evaluate" && page.results.evaluate.has_value();
}

}  // namespace

std::string shell(const std::vector<std::string>& words) {
    std::string line;
    for (const std::string& word : words) line += (line.empty() ? "" : " ") + quoted(word);
    return line;
}

std::vector<std::string> recorded_commands(const Page& page, const std::string& stage) {
    std::vector<std::string> lines;
    if (stage == "report" && !page.data.command.empty()) return {shell(words_of(page.data.command))};
    const Json& manifest = page.data.manifest;
    if (!manifest.is_object()) return {};
    if (manifest.contains("stages") && manifest["stages"].is_object() && manifest["stages"].contains(stage)) {
        const Json& entries = manifest["stages"][stage];
        if (entries.is_array())
            for (const Json& entry : entries) add_entry(entry, lines);
        else
            add_entry(entries, lines);
    }
    if (lines.empty() && manifest.contains("command") && is_command_of(manifest["command"], stage))
        add_entry(manifest, lines);
    return lines;
}

std::vector<std::string> all_commands(const Page& page) {
    std::vector<std::string> lines;
    for (const char* stage : kOrderOfStages)
        for (const std::string& line : recorded_commands(page, stage))
            if (std::find(lines.begin(), lines.end(), line) == lines.end()) lines.push_back(line);
    return lines;
}

std::vector<std::string> unrecorded_stages(const Page& page) {
    std::vector<std::string> stages;
    for (const char* stage : kOrderOfStages)
        if (shown(page, stage) && recorded_commands(page, stage).empty()) stages.emplace_back(stage);
    return stages;
}

Html made_by(const Page& page, const std::vector<std::string>& stages) {
    std::string lines, unrecorded;
    for (const std::string& stage : stages) {
        const std::vector<std::string> commands = recorded_commands(page, stage);
        for (const std::string& line : commands)
            if (lines.find(line + "\n") == std::string::npos) lines += line + "\n";
        if (commands.empty() && shown(page, stage)) unrecorded += (unrecorded.empty() ? "" : ", ") + stage;
    }
    if (lines.empty() && unrecorded.empty()) return {};
    return tag("details.made", tag("summary", "made by"), lines.empty() ? Html() : tag("pre", tag("code", lines)),
               unrecorded.empty() ? Html() : tag("p.note", "This run did not record the options of ", unrecorded, "."));
}

}  // namespace spikelens::report
