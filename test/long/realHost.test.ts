import { describePlatform } from "./platformOnHost.ts";

describePlatform("bookworm", "Debian 12");
describePlatform("trixie", "Debian 13");
