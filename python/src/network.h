#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "spikelens/snn/engine.h"
#include "spikelens/snn/network.h"

#include "call.h"

namespace spikelens::python {

/// Gradients by the surrogate of this text; empty: the usual one.
std::unique_ptr<const Engine> make_engine(std::shared_ptr<const Network> network, const Execution& execution,
                                          const std::string& surrogate);

/// A network with the engines that were made for it. The GIL guards all of it.
class NetworkHandle {
  public:
    explicit NetworkHandle(Network made) : network(std::make_shared<const Network>(std::move(made))) {}
    NetworkHandle(NetworkHandle&&) = default;

    /// An engine for one call at a time, with the line that its execution hears.
    struct Prepared {
        Settings settings;
        std::string surrogate;
        std::shared_ptr<Line> line;
        std::unique_ptr<const Engine> engine;
    };
    /// Takes an idle engine, or makes one; gives it back at its end, for the next call.
    class Lease {
      public:
        Lease(NetworkHandle& owner, const Settings& settings, const std::string& surrogate);
        ~Lease();
        Lease(const Lease&) = delete;
        Lease& operator=(const Lease&) = delete;

        const Engine& engine() const { return *prepared_->engine; }
        Line& line() const { return *prepared_->line; }
        const Execution& execution() const { return engine().execution(); }

      private:
        NetworkHandle& owner_;
        std::unique_ptr<Prepared> prepared_;
    };

    const std::string& fingerprint();

    const std::shared_ptr<const Network> network;

  private:
    std::vector<std::unique_ptr<Prepared>> idle_;
    std::string fingerprint_;
};

void bind_network(nb::module_& module);
void bind_simulate(nb::module_& module);

}  // namespace spikelens::python
