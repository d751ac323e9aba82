#pragma once

#include <optional>
#include <string_view>

namespace spikelens {

struct Camera {
    int width = 0, height = 0;
    bool davis = false;
};

/// An iniVation camera, told by a name that contains its type: "DVS128", "DAVIS240C", "…davis.Davis346blue".
std::optional<Camera> find_camera(std::string_view name);

}  // namespace spikelens
