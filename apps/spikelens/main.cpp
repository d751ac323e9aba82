#include <algorithm>
#include <cstdio>
#include <exception>

#include <fmt/format.h>

#include "spikelens/core/error.h"
#include "spikelens/core/nearest.h"
#include "spikelens/core/version.h"

#include "commands.h"

namespace spikelens::app {
namespace {

constexpr int kFailed = 1;
constexpr int kBadInput = 2;
const std::string kEveryCommand = "Also: --json, --quiet, --no-wait, --seed, --threads, --memory; see spikelens --help.";

/// The command under way, however deep, for help and suggestions.
const CLI::App& deepest(const CLI::App& app) {
    const auto called = app.get_subcommands();
    return called.empty() ? app : deepest(*called.front());
}

std::vector<std::string> option_names(const CLI::App& app) {
    std::vector<std::string> names;
    for (const CLI::App* at = &app; at != nullptr; at = at->get_parent())
        for (const CLI::Option* option : at->get_options())
            for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    return names;
}

/// One sentence for what CLI11 could not make sense of, with the nearest name.
std::string usage_sentence(const CLI::App& program, const CLI::ParseError& error) {
    const CLI::App& app = deepest(program);
    if (const std::vector<std::string> extras = program.remaining(true); !extras.empty()) {
        const std::string word = extras.front().substr(0, extras.front().find('='));
        if (word.starts_with("-")) {
            const std::string near = nearest(word, option_names(app));
            return "unknown option '" + word + "'" +
                   (near.empty() ? "; see " + (&app == &program ? "" : app.get_name() + " ") + "--help"
                                 : "; did you mean '" + near + "'?");
        }
        std::vector<std::string> commands;
        for (const CLI::App* command : app.get_subcommands({})) commands.push_back(command->get_name());
        if (commands.empty()) return "unexpected argument '" + word + "'";
        return "unknown command '" + word + "'" + suggestion(word, commands);
    }
    std::string sentence = error.what();
    std::ranges::replace(sentence, '\n', ' ');
    return sentence;
}

int fail(const std::string& sentence, int code) {
    fmt::print(stderr, "spikelens: {}\n", sentence);
    return code;
}

std::vector<std::string> split_at_commas(const std::string& word) {
    std::vector<std::string> parts;
    for (size_t start = 0; start <= word.size();) {
        const size_t comma = std::min(word.find(',', start), word.size());
        if (comma > start) parts.push_back(word.substr(start, comma - start));
        start = comma + 1;
    }
    return parts;
}

int run_program(int argc, char** argv) {
    CLI::App program("Shows what a spiking neural network has learned, and why it decided.", "spikelens");
    Globals globals;
    globals.arguments.assign(argv + 1, argv + argc);
    Run run;
    program.set_version_flag("--version", fmt::format("spikelens {}", version));
    program.add_flag("--json", globals.json, "Print the result as one JSON document");
    program.add_flag("--quiet", globals.quiet, "No progress");
    program.add_flag("--no-wait", globals.no_wait, "End at once where another process writes into the run");
    program.add_option("--seed", globals.seed, "Of everything random; the same seed gives the same bytes")
        ->capture_default_str();
    program.add_option("--threads", globals.threads, "Threads; 0: all cores. Results do not depend on it")
        ->check(CLI::Range(0, 1024))
        ->capture_default_str();
    program
        .add_option("--memory", globals.memory, "For samples while they are simulated, beside weights and results: 512M, 4G")
        ->transform(CLI::AsNumberWithUnit(std::map<std::string, int64_t>{{"K", 1 << 10}, {"M", 1 << 20}, {"G", 1 << 30}},
                                          CLI::AsNumberWithUnit::DEFAULT, "SIZE"))
        ->check([](const std::string& bytes) { return bytes == "0" || bytes.starts_with('-') ? "must be above 0" : ""; })
        ->option_text("SIZE=1G");
    program.fallthrough();
    program.require_subcommand(1);
    program.get_formatter()->column_width(34);
    for (const auto add : {add_train, add_import, add_interpret, add_explain, add_evaluate, add_report, add_reproduce,
                           add_codings, add_inspect, add_export, add_data, add_methods})
        add(program, run);
    for (CLI::App* command : program.get_subcommands({})) command->fallthrough()->footer(kEveryCommand);
    try {
        program.parse(argc, argv);
    } catch (const CLI::Success& asked) {
        return program.exit(asked);
    } catch (const CLI::ParseError& error) {
        return fail(usage_sentence(program, error), kBadInput);
    }
    Console console(globals.quiet);
    const Outcome outcome = run(globals, console);
    console.finish();
    const std::string text = globals.json ? outcome.document.dump(2) + "\n" : outcome.text;
    if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0)
        return fail("cannot write to standard output", kFailed);
    return 0;
}

}  // namespace

std::vector<std::string> split_list(const std::vector<std::string>& words) {
    std::vector<std::string> parts;
    for (const std::string& word : words)
        for (const std::string& part : split_at_commas(word)) parts.push_back(part);
    return parts;
}

}  // namespace spikelens::app

int main(int argc, char** argv) {
    using namespace spikelens;
    try {
        return app::run_program(argc, argv);
    } catch (const InputError& error) {
        return app::fail(error.what(), app::kBadInput);
    } catch (const std::bad_alloc&) {
        return app::fail("not enough memory", app::kFailed);
    } catch (const std::exception& error) {
        return app::fail(error.what(), app::kFailed);
    }
}
