import { describePlatform } from "./platformOnHost.ts";

describePlatform("bookworm", "Debian 12");
