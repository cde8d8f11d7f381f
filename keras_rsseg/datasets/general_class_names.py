"""Names of the classes of ADE20K, in the order of their ids."""

# The scene-parsing benchmark, its label ids 1 to 150.
ADE20K_CLASSES = tuple(
    """
    wall building sky floor tree ceiling road bed windowpane grass cabinet
    sidewalk person earth door table mountain plant curtain chair car water
    painting sofa shelf house sea mirror rug field armchair seat fence desk rock
    wardrobe lamp bathtub railing cushion base box column signboard
    chest_of_drawers counter sand sink skyscraper fireplace refrigerator
    grandstand path stairs runway case pool_table pillow screen_door stairway
    river bridge bookcase blind coffee_table toilet flower book hill bench
    countertop stove palm kitchen_island computer swivel_chair boat bar
    arcade_machine hovel bus towel light truck tower chandelier awning
    streetlight booth television_receiver airplane dirt_track apparel pole land
    bannister escalator ottoman bottle buffet poster stage van ship fountain
    conveyer_belt canopy washer plaything swimming_pool stool barrel basket
    waterfall tent bag minibike cradle oven ball food step tank trade_name
    microwave pot animal bicycle lake dishwasher screen blanket sculpture hood
    sconce vase traffic_light tray ashcan fan pier crt_screen plate monitor
    bulletin_board shower radiator glass clock flag
""".split()
)

# Those that cannot be counted, which the instance task leaves out.
_STUFF = set(
    """
    wall building sky floor tree ceiling road grass sidewalk earth mountain
    plant water house sea rug field rock base sand skyscraper grandstand path
    runway stairway river bridge blind hill bar hovel tower dirt_track land
    escalator buffet poster stage conveyer_belt canopy swimming_pool waterfall
    tent cradle tank lake blanket pier crt_screen shower
""".split()
)

# The instance task, its category ids 1 to 100.
ADE20K_OBJECTS = tuple(name for name in ADE20K_CLASSES if name not in _STUFF)
