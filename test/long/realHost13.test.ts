import { describePlatform } from "../host/platformOnHost.ts";

describePlatform("trixie", "Debian 13");
