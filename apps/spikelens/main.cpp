#include <algorithm>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <system_error>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "spikelens/core/error.h"
#include "spikelens/core/option_error.h"
#include "spikelens/core/printable.h"
#include "spikelens/pipeline/ranks.h"

#include "commands.h"
#include "interrupt.h"
#include "output.h"
#include "parser.h"
#include "process.h"

namespace spikelens::app {
namespace {

using nlohmann::json;

constexpr int kFailed = 1;
constexpr int kBadInput = 2;
constexpr int kLongestSentence = 1000;  // columns; a damaged file may have put all of itself into one

std::string json_line(const json& document, int indent) {
    return printable_json(document.dump(indent, ' ', false, json::error_handler_t::replace)) + "\n";
}

int fail(const std::string& sentence, int code, bool as_json) {
    const json document = {{"error", {{"kind", code == kBadInput ? "input" : "run"}, {"message", sentence}}}};
    const std::string line = printable(sentence);
    const std::string_view shown = first_columns(line, kLongestSentence);
    say(as_json ? json_line(document, -1)
                : fmt::format("spikelens: {}{}\n", shown, shown.size() < line.size() ? " …" : ""));
    return code;
}

/// The first of a job's processes says what is wrong, and ends the job.
int fail_together(Ranks* ranks, const std::string& sentence, int code, bool as_json) {
    if (!ranks) return fail(sentence, code, as_json);
    ranks->report_failure(sentence, code);
    fail(sentence, code, as_json);
    ranks->abort(code);
    return code;
}

/// An option's field has the name that it bears here: "(--mu-max)".
std::string with_option(const OptionError& error, const Command& command) {
    std::string name = "--" + error.field();
    std::ranges::replace(name, '_', '-');
    const auto same = [&](const auto& option) { return option->first_name() == name; };
    return error.what() + (std::ranges::any_of(command.options.options(), same) ? " (" + name + ")" : "");
}

Outcome run_until_interrupted(const Command& command, const Call& call) {
    listen_for_interrupts();
    try {
        Outcome outcome = command.run(call);
        work_is_done();
        return outcome;
    } catch (const Cancelled&) {
        call.console.clear();
        end_interrupted();
    } catch (const OptionError& error) {
        throw InputError(with_option(error, command));
    }
}

void declare(OptionTable& table, Globals& globals) {
    table.add("--json", globals.json, "Print the result as one JSON document");
    table.add("--quiet", globals.quiet, "No progress");
    table.add("--no-wait", globals.no_wait, "End at once if another process writes into the run");
    table.add("--seed", globals.seed, "Seed of everything random; the same seed gives the same bytes");
    table.add_parsed(
        "--threads", globals.threads, parse_threads, [](int) { return "0"; },
        "Threads; 0: all cores. Results do not depend on it");
    table.add_option({"--memory", "Memory for samples under simulation, besides weights and results: 512M, 4G", "SIZE",
                      [&globals](const Strings& words) { globals.memory = parse_memory(words.back()); },
                      [] { return Strings{"1G"}; }});
}

/// Of one of a job's processes.
void check_shared(const Command& command, const Ranks& ranks) {
    if (command.shares) return;
    throw InputError(
        fmt::format("{} works in one process, not in {}: train, interpret and evaluate share their work among several",
                    command.name, ranks.count()));
}

int run_program(int argc, char** argv, bool as_json, Ranks* ranks) {
    Globals globals;
    globals.arguments.assign(argv + 1, argv + argc);
    OptionTable of_every_command;
    declare(of_every_command, globals);
    std::vector<Command> commands;
    for (const auto make : {train_command, import_command, interpret_command, filters_command, explain_command,
                            evaluate_command, merge_command, report_command, reproduce_command, codings_command,
                            inspect_command, export_command, data_command, methods_command})
        commands.push_back(make());
    Parser parser(of_every_command, std::move(commands));
    const Command& called = parser.parse(argc, argv);
    if (ranks) check_shared(called, *ranks);
    const bool silent = ranks && !ranks->first();
    if (silent) be_silent();
    Console console(globals.quiet, silent);
    const Outcome outcome = run_until_interrupted(called, {globals, console, ranks});
    console.finish();
    const int code =
        silent ? 0 : print_result(as_json ? json_line(outcome.document, 2) : printable_lines(outcome.text));
    if (code == 0) console.say_what_was_left();
    return code;
}

std::string memory_sentence(const std::vector<std::string>& arguments) {
    return fmt::format(
        "not enough memory for spikelens {}; a smaller --memory, fewer --threads, fewer samples or a higher limit "
        "(ulimit "
        "-v) help",
        fmt::join(arguments, " "));
}

/// Whether a path cannot be, rather than a disk that fails.
bool is_path_error(const std::error_code& code) {
    return code == std::errc::filename_too_long || code == std::errc::too_many_symbolic_link_levels ||
           code == std::errc::not_a_directory || code == std::errc::no_such_file_or_directory ||
           code == std::errc::is_a_directory;
}

int run_guarded(int argc, char** argv) {
    const std::vector<std::string> arguments(argv + std::min(1, argc), argv + argc);
    const bool as_json = std::ranges::find(arguments, "--json") != arguments.end();
    std::unique_ptr<Ranks> ranks;
    const auto end = [&](const std::string& sentence, int code) {
        return fail_together(ranks.get(), sentence, code, as_json);
    };
    try {
        ranks = Ranks::join();
        const int code = run_program(argc, argv, as_json, ranks.get());
        if (ranks) ranks->finish();
        return code;
    } catch (const InputError& error) {
        return end(error.what(), kBadInput);
    } catch (const std::bad_alloc&) {
        return end(memory_sentence(arguments), kFailed);
    } catch (const std::filesystem::filesystem_error& error) {
        return end("cannot use " + error.path1().string() + ": " + error.code().message(),
                   is_path_error(error.code()) ? kBadInput : kFailed);
    } catch (const json::exception& error) {
        const std::string text = error.what();
        return end("a document holds another kind of value than expected: " +
                       text.substr(std::min(text.find("] ") + 2, text.size())),
                   kBadInput);
    } catch (const std::exception& error) {
        return end(error.what(), kFailed);
    }
}

}  // namespace
}  // namespace spikelens::app

int main(int argc, char** argv) {
    spikelens::app::prepare_process();
    // At once: handlers of libraries may wait for threads that never started. All files have been closed, and output is
    // not buffered.
    std::_Exit(spikelens::app::run_guarded(argc, argv));
}
