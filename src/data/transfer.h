#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "part_file.h"

namespace spikelens {

struct Transfer {
    enum class End {
        complete,     ///< the server sent all it wanted to send
        interrupted,  ///< the connection failed; what came is worth continuing
        unusable,     ///< the server sent more than asked, or cannot continue from here
    };
    End end = End::complete;
    bool continued = false;  ///< bytes of an earlier transfer are part of the file
    std::string reason;      ///< why it is not complete: "answered 404"
};

/// One GET of an http or https address into `part`, continued from its end by a range request when it holds bytes
/// already; a server that answers with the whole file starts it over. Ends as unusable once more than `limit` bytes
/// came (0: no limit). `watch` is told the bytes held, about once a second even when nothing comes; its exceptions end
/// the transfer and pass through.
Transfer transfer(const std::string& address, PartFile& part, uint64_t limit, int stall_seconds,
                  const std::function<void(uint64_t held)>& watch);

}  // namespace spikelens
