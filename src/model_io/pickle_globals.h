#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "tensor_view.h"

namespace spikelens {

/// What calling a global of the allow-list gives.
enum class GlobalUse {
    name,    ///< it is only named: a storage class, a dtype
    dict,    ///< a dictionary
    list,    ///< a list
    inert,   ///< as record; what it is given afterwards (attributes) is left out
    record,  ///< a note of what was called with what
};

/// The allow-list of what a pickle may name (docs/formats/pytorch.md lists it); nothing for everything else.
std::optional<GlobalUse> allowed_global(std::string_view name);

/// What to do about one that is not allowed.
std::string_view advice_on_global(std::string_view name);

/// Element type of a storage class, "torch.FloatStorage"; nothing for other names.
std::optional<TensorType> storage_type(std::string_view name);

/// A text of the file as a message may show it: control characters escaped, UTF-8, cut after 100 bytes.
std::string shown(std::string_view text);

bool is_utf8(const std::string& text);

}  // namespace spikelens
