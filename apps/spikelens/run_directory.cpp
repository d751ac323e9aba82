#include "run_directory.h"

#include <algorithm>
#include <utility>

#include "spikelens/core/error.h"

#include "interrupt.h"

namespace spikelens::app {
namespace {

namespace fs = std::filesystem;

bool is_trained(const RunDirectory& files) { return fs::exists(files.manifest()) && fs::exists(files.model()); }

bool lies_in(const fs::path& path, const fs::path& folder) {
    const fs::path inner = fs::weakly_canonical(path), outer = fs::weakly_canonical(folder);
    return std::ranges::mismatch(outer, inner).in1 == outer.end();
}

}  // namespace

void say_warnings(const std::vector<std::string>& warnings, Console& console) {
    for (const std::string& warning : warnings) console.message_at_end("warning: " + warning);
}

Run open_run(const fs::path& root) {
    if (!fs::is_directory(root))
        throw InputError("there is no run directory " + root.string() + "; make one with spikelens train --out " +
                         root.string());
    if (!is_trained(RunDirectory{root}))
        throw InputError(root.string() + " holds no finished training; spikelens train --out " + root.string() +
                         " starts or continues one");
    return Run::open(root);
}

WrittenRun open_to_write(const fs::path& root, const Globals& globals, Console& console, const fs::path& out) {
    WrittenRun written;
    const bool within = out.empty() || lies_in(out, root);
    if (within && is_trained(RunDirectory{root})) written.lock = lock_run(root, globals, console);
    written.run = open_run(root);
    say_warnings(written.run.warnings, console);
    return written;
}

std::shared_ptr<const RunLock> lock_run(const fs::path& root, const Globals& globals, Console& console) {
    if (globals.no_wait) return std::make_shared<const RunLock>(root);
    bool said = false;
    return std::make_shared<const RunLock>(root, [&] {
        if (asked_to_stop()) throw Cancelled();
        if (!std::exchange(said, true))
            console.message("waiting: another process is writing into " + root.string() + " (--no-wait ends instead)");
    });
}

}  // namespace spikelens::app
