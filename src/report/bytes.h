#pragma once

#include <string>
#include <string_view>

namespace spikelens::report {

/// RFC 4648, with padding.
std::string base64(std::string_view bytes);

/// zlib stream (RFC 1950), what `DecompressionStream("deflate")` and PNG read.
std::string deflate(std::string_view bytes);

/// A source of a Content-Security-Policy for inline text: 'sha256-…'.
std::string policy_hash(std::string_view text);

}  // namespace spikelens::report
